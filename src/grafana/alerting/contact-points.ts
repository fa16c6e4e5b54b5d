/**
 * Contact points in the form of Grafana's files, with the message templates that each kind of receiver uses. Enters: contact
 * points of alerts.yaml; leaves: their file form. Addresses and keys stay the variables that they are.
 */
import type { ContactPoint, Receiver, ReceiverType } from '../../model/alerts.js';
import { contactUid } from '../uids.js';
import type { ContactPointFile } from './file-format.js';

const use = (template: string) => `{{ template "${template}" . }}`;

/** Names of alerts.yaml that Grafana calls otherwise. */
const NAMES: Readonly<Record<string, string>> = {
  integration_key: 'integrationKey',
  http_method: 'httpMethod',
};

const MESSAGES: Record<ReceiverType, Record<string, string | boolean>> = {
  email: { singleEmail: true, subject: use('plumbline.title'), message: use('plumbline.text') },
  slack: { title: use('plumbline.title'), text: use('plumbline.slack') },
  pagerduty: {
    summary: use('plumbline.title'),
    severity: use('plumbline.pagerduty.severity'),
    class: '{{ .CommonLabels.kind }}',
    component: '{{ .CommonLabels.kpi }}',
    group: '{{ .CommonLabels.category }}',
  },
  webhook: { title: use('plumbline.title'), message: use('plumbline.text') },
};

export function buildContactPoints(contactPoints: readonly ContactPoint[]): ContactPointFile[] {
  return contactPoints
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, receivers }) => ({
      orgId: 1,
      name,
      receivers: receivers.map((receiver, i) => receiverFile(name, receiver, receivers.slice(0, i))),
    }));
}

function receiverFile(
  contact: string,
  { type, settings, isResolveTold }: Receiver,
  before: readonly Receiver[],
): ContactPointFile['receivers'][number] {
  const same = before.filter((each) => each.type === type).length;
  const given = Object.entries(settings).map(([key, value]) => [NAMES[key] ?? key, value]);
  return {
    uid: contactUid(contact, type, ...(same === 0 ? [] : [String(same + 1)])),
    type,
    disableResolveMessage: !isResolveTold,
    settings: { ...Object.fromEntries(given), ...MESSAGES[type] },
  };
}

/**
 * What messages say, as Go templates that Grafana's contact points use: title, text, and both in Slack's marks. Enters: nothing;
 * leaves: one file of templates. They read only annotations and labels that rules of rule-texts.ts and rule-file.ts have, and do
 * without any of them, so that rules made by hand are told too.
 */

export const TEMPLATE_NAME = 'plumbline';

const SINCE = '{{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}';

/** The line of a fact that may be missing. */
const fact = (name: string, field: string, text = `{{ ${field} }}`) => `
{{- if ${field} }}
${name}: ${text}{{ end }}`;

/** Alerts of one kind, each in words. */
const listed = (heading: string, alerts: string, template: string) => `{{ if ${alerts} }}${heading}
{{ range ${alerts} }}
{{ template "${template}" . }}
{{ end }}
{{ end }}`;

const SUMMARY =
  '{{ if .Annotations.summary }}{{ .Annotations.summary }}{{ else }}{{ .Labels.alertname }}{{ end }}';
const FACTS = [
  fact('Value', '.Annotations.value'),
  fact('Alert at', '.Annotations.threshold'),
  fact('Target', '.Annotations.target'),
  fact('Severity', '.Labels.severity'),
  fact('Owner', '.Labels.owner'),
].join('');

export const MESSAGE_TEMPLATES = `{{ define "plumbline.title" -}}
{{ if .Alerts.Firing }}[{{ if .CommonLabels.severity }}{{ .CommonLabels.severity | toUpper }} {{ end }}{{ len .Alerts.Firing }} firing]{{ else }}[RESOLVED]{{ end }}
{{- if .CommonLabels.kpi }} {{ .CommonLabels.kpi }}{{ if .CommonLabels.alertname }}: {{ .CommonLabels.alertname }}{{ end }}
{{- else if .CommonLabels.alertname }} {{ .CommonLabels.alertname }}
{{- else }} several KPIs{{ end }}
{{- if .CommonLabels.kpi_group }} ({{ .CommonLabels.kpi_group }}){{ end }}
{{- if .CommonLabels.escalation }}, escalated{{ end }}
{{- end }}

{{ define "plumbline.alert" -}}
${SUMMARY}${FACTS}
Since: ${SINCE}${fact('Runbook', '.Annotations.runbook_url')}
{{- if .PanelURL }}
Dashboard: {{ .PanelURL }}{{ else if .Annotations.dashboard_url }}
Dashboard: {{ .Annotations.dashboard_url }}{{ end }}${fact('Silence', '.SilenceURL')}
{{- end }}

{{ define "plumbline.text" -}}${listed('Firing', '.Alerts.Firing', 'plumbline.alert')}${listed('Resolved', '.Alerts.Resolved', 'plumbline.alert')}
{{- end }}

{{ define "plumbline.slack.alert" -}}
*${SUMMARY}*${FACTS}
Since: ${SINCE}
{{ if .PanelURL }}<{{ .PanelURL }}|Dashboard>{{ else if .Annotations.dashboard_url }}<{{ .Annotations.dashboard_url }}|Dashboard>{{ end }}
{{- if .Annotations.runbook_url }} · {{ if match "^https?://" .Annotations.runbook_url }}<{{ .Annotations.runbook_url }}|Runbook>{{ else }}Runbook: {{ .Annotations.runbook_url }}{{ end }}{{ end }}
{{- if .SilenceURL }} · <{{ .SilenceURL }}|Silence>{{ end }}
{{- end }}

{{ define "plumbline.slack" -}}${listed('*Firing*', '.Alerts.Firing', 'plumbline.slack.alert')}${listed('*Resolved*', '.Alerts.Resolved', 'plumbline.slack.alert')}
{{- end }}

{{ define "plumbline.pagerduty.severity" -}}
{{ if eq .CommonLabels.severity "critical" }}critical{{ else if eq .CommonLabels.severity "high" }}error{{ else if eq .CommonLabels.severity "low" }}info{{ else }}warning{{ end }}
{{- end }}
`;

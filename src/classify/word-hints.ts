/**
 * Words and units that hint at a subcategory, by its id in the built-in taxonomy, for metrics that no rule knows. Only
 * words that no rule has: what a rule has is looked up there. Used for suggestions alone.
 */

const WORDS: Readonly<Record<string, string>> = {
  response_times: 'age lateness slowness speed pause stall ping ttl jitter hold',
  error_rates:
    'fault mistake incorrect bad invalid abandon mismatch misfire expire block bounceback defective wrong',
  throughput:
    'rate count total number volume amount batch task step upload download import export sync frame bit',
  resource_utilization:
    'size length width share ratio percent level fill open active allocation reserve occupancy vm gpu',
  page_load_times: 'page screen render paint hydration asset bundle browser',
  interaction_times: 'click tap scroll keypress keystroke gesture input focus typing animation',
  navigation_efficiency: 'menu link search result navigation breadcrumb journey path',
  user_satisfaction: 'feedback rating review star like dislike complaint ticket sentiment emoji',
  process_efficiency:
    'stock inventory warehouse shipment delivery approval stage shift worker employee staff',
  automation_rates: 'bot robot script manual agent automate',
  resource_optimization: 'spare overcommit replica compression dedupe reuse',
  cost_efficiency: 'fee charge bill invoice credit license token price',
  business_value:
    'order cart basket refund discount coupon payment sale product item customer voucher subscription deal lead',
  roi_metrics: 'return campaign ad marketing acquisition',
  adoption_rates: 'user member account tenant visitor visit player download register signup session feature',
  impact_analysis: 'variant treatment cohort baseline goal outcome',
  quality_scores: 'score grade precision recall duplicate missing freshness drift confidence',
  compliance_metrics: 'request_access erasure regulation control evidence',
  reliability_indicators:
    'state alive connect temperature humidity voltage pressure battery sensor signal version info',
  security_metrics:
    'key secret permission role token_revoked session_hijack scan spam bot_attack abuse fraud block',
};

const UNITS: Readonly<Record<string, string>> = {
  s: 'response_times',
  By: 'resource_utilization',
  'By/s': 'throughput',
  '1/s': 'throughput',
  '%': 'resource_utilization',
  K: 'reliability_indicators',
  V: 'reliability_indicators',
  A: 'reliability_indicators',
  Pa: 'reliability_indicators',
  W: 'cost_efficiency',
  J: 'cost_efficiency',
};

/** Endings that leave the meaning: orders, ordered and ordering are an order. */
const ENDINGS = ['ings', 'ing', 'ied', 'ed', 'ies', 'es', 's'];
const STEM_CHARS_MIN = 3;

export function foldWord(word: string): string {
  for (const ending of ENDINGS) {
    const stem = word.slice(0, -ending.length);
    if (!word.endsWith(ending) || stem.length < STEM_CHARS_MIN || (ending === 's' && /[su]$/.test(stem)))
      continue;
    if (ending === 'ied' || ending === 'ies') return `${stem}y`;
    // cases is case and caches is cache, boxes is box: what is folded is only compared with what was folded too.
    return ending === 's' ? stem.replace(/e$/, '') : stem;
  }
  return word.replace(/e$/, '');
}

export const HINTS = {
  /** Folded word → id of a subcategory. */
  words: new Map(
    Object.entries(WORDS).flatMap(([id, words]) =>
      words.split(' ').map((word) => [foldWord(word), id] as const),
    ),
  ),
  /** Base unit, or % → id of a subcategory. */
  units: new Map(Object.entries(UNITS)),
};

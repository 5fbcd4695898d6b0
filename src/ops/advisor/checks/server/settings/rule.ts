import type { Check, CheckContext, Evidence, Finding, Severity, Untold } from '../../../types.ts';
import { judgedWholly } from '../../answers.ts';
import { settingRemedy, type SettingChange } from '../setting-remedy.ts';
import { type Facts, readFacts } from './facts.ts';

/** What a rule says of a setting: how it should be, and why. */
export interface SettingAdvice {
  severity: Severity;
  title: string;
  explanation: string;
  evidence: readonly Evidence[];
  change: Omit<SettingChange, 'name'>;
}

/** One setting, one condition. `untold`: what would have to be known. */
export interface SettingRule {
  setting: string;
  judge(facts: Facts): SettingAdvice | { untold: Untold } | undefined;
}

export const machineUnknown: Untold = {
  reason: 'The machine of the server is not known, so its memory and disk cannot be held against the settings',
  fix: 'Set advisor.machine (memory, cpus, disk) in the configuration',
};

export interface SettingsCheck extends Pick<Check, 'id' | 'title' | 'documentation'> {
  /** What is said when there are no findings, and what with it. */
  fine: string;
  evidence?: (facts: Facts) => readonly Evidence[];
}

/** A check of settings: all its rules, over the same facts. */
export function settingsCheck(
  { id, title, documentation, fine, evidence }: SettingsCheck,
  rules: readonly SettingRule[],
): Check {
  return {
    id,
    title,
    documentation,
    async run(context) {
      const facts = await readFacts(context);
      const judged = rules.map((rule) => ({ rule, said: rule.judge(facts) }));
      const findings = judged.flatMap(({ rule, said }) =>
        said && 'title' in said ? [finding(id, rule.setting, said, facts, context)] : [],
      );
      const untold = judged.flatMap(({ said }) => (said && 'untold' in said ? [said.untold] : []));
      const once = [...new Map(untold.map((part) => [part.reason, part])).values()];
      return judgedWholly({ findings, fine, evidence: evidence?.(facts) ?? [], untold: once });
    },
  };
}

function finding(check: string, setting: string, advice: SettingAdvice, facts: Facts, context: CheckContext): Finding {
  const { severity, title, explanation, evidence, change } = advice;
  return {
    check,
    key: `${check}:${setting}`,
    severity,
    subject: { kind: 'setting', name: setting },
    title,
    explanation,
    evidence: [
      { label: `${setting} now`, value: facts.settings.shown(setting) },
      { label: 'Proposed', value: change.value },
      ...evidence,
    ],
    gain: null,
    remedy: settingRemedy(context.profile, facts.settings, { name: setting, ...change }),
  };
}

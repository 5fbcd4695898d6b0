import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

export type Tone = 'ok' | 'warning' | 'critical' | 'unknown' | 'info';

const words: Record<Tone, string> = {
  ok: 'Fine',
  warning: 'Warning',
  critical: 'Critical',
  unknown: 'Not known',
  info: 'Note',
};

/** The same where there is no room for the word: colour and shape, the word for those who listen or point at it. */
export function StatusMark({ tone }: { tone: Tone }) {
  return (
    <span class={`badge badge-plain tone-${tone}`} title={words[tone]}>
      <Icon name={tone} size={13} />
      <span class="visually-hidden">{words[tone]}</span>
    </span>
  );
}

/** A state as colour, shape and word: never by colour alone. `plain` has no background. */
export function StatusBadge({
  tone,
  children,
  icon,
  plain,
}: {
  tone: Tone;
  children?: ComponentChildren;
  icon?: IconName | undefined;
  plain?: boolean;
}) {
  return (
    <span class={`badge tone-${tone}${plain ? ' badge-plain' : ''}`}>
      <Icon name={icon ?? tone} size={13} />
      {children ?? words[tone]}
    </span>
  );
}

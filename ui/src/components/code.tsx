import { useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** Text to be read and copied: SQL, a plan, a command. */
export function CodeBlock({ text, label, wrap }: { text: string; label: string; wrap?: boolean }) {
  return (
    <div class={`code code-copy${wrap ? ' code-wrap' : ''}`}>
      <pre tabIndex={0} role="group" aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} />
    </div>
  );
}

function CopyButton({ text }: { text: string }) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'failed'>('no');
  const copy = async () => {
    const done = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setCopied(done ? 'yes' : 'failed');
    setTimeout(() => setCopied('no'), 2000);
  };
  return (
    <button type="button" class="button button-small" onClick={() => void copy()}>
      <Icon name={copied === 'yes' ? 'ok' : 'copy'} size={13} />
      <span aria-live="polite">{{ no: 'Copy', yes: 'Copied', failed: 'Select it' }[copied]}</span>
    </button>
  );
}

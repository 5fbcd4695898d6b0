/** Line icons on a 16-unit grid. Always beside a word or inside a control with a label, so never read aloud. */
const paths = {
  overview: 'M2 9.5h2.5L6.5 4l3 8 2-4.5H14',
  queries: 'M2.5 4h11M2.5 8h7M2.5 12h9',
  sessions:
    'M5.5 7.5a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5ZM1.5 13c.4-2.3 1.9-3.5 4-3.5s3.6 1.2 4 3.500M10.5 3.200a2.2 2.2 0 0 1 0 4.100M12 9.800c1.4.5 2.2 1.6 2.5 3.2',
  applications:
    'M2.5 3h11v7.500h-11zM5.5 13.500h5M8 10.500v3M6.3 5.300 4.8 6.750l1.5 1.450M9.7 5.300l1.500 1.450-1.500 1.450',
  cache: 'M2.5 5.500 8 3l5.500 2.500L8 8ZM2.5 8 8 10.500 13.500 8M2.5 10.500 8 13l5.500-2.500',
  tables: 'M2.5 3.500h11v9h-11zM2.5 6.500h11M6.5 6.500v6',
  indexes: 'M2.5 3.5h4M2.5 8h4M2.5 12.5h4M9 3.5l2 2-2 2M11 5.500h2.500M9 10h4.500M9 12.500h4.500',
  advice:
    'M6 12.500h4M6.500 14.500h3M8 1.500a4.500 4.500 0 0 0-2.500 8.200c.4.4.5.8.5 1.300h4c0-.5.1-.9.5-1.300A4.500 4.500 0 0 0 8 1.500Z',
  backups: 'M2.5 2.500h11v3h-11zM3.500 5.500v8h9v-8M8 7.500v3.500M6.200 9.300 8 11.100l1.800-1.800',
  server: 'M2.5 2.5h11v4.500h-11zM2.5 9h11v4.500h-11zM5 4.750h.01M5 11.250h.01',
  ok: 'M3 8.500l3.2 3.200L13 4.8',
  warning: 'M8 2.2 14.3 13.300H1.700ZM8 6.500v3M8 11.5h.01',
  critical:
    'M5.3 1.800h5.400l3.5 3.500v5.400l-3.5 3.500H5.300l-3.5-3.500V5.300ZM5.7 5.700l4.6 4.600M10.3 5.700l-4.6 4.6',
  unknown:
    'M8 14.200A6.2 6.2 0 1 0 8 1.800a6.2 6.2 0 0 0 0 12.400ZM6.2 6.300c.1-1 .8-1.6 1.8-1.6 1.1 0 1.8.6 1.8 1.5 0 1.3-1.7 1.4-1.8 2.800M8 11.400h.01',
  info: 'M8 14.200A6.2 6.2 0 1 0 8 1.800a6.2 6.2 0 0 0 0 12.400ZM8 7.300v3.700M8 5h.01',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.3 10.300l3.2 3.2',
  clock: 'M8 14.200A6.2 6.2 0 1 0 8 1.800a6.2 6.2 0 0 0 0 12.400ZM8 4.500V8l2.4 1.5',
  left: 'M9.8 3.5 5.3 8l4.5 4.5',
  right: 'M6.2 3.5 10.7 8l-4.5 4.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  arrowDown: 'M8 3v9.500M4.5 9 8 12.5 11.5 9',
  trendUp: 'M2 11.5 6.5 7l2.5 2.5 5-5M10.5 4.500H14V8',
  trendDown: 'M2 4.5 6.5 9 9 6.500l5 5M10.5 11.5H14V8',
  steady: 'M2.5 8h11M10.5 5l3 3-3 3',
  sparkle: 'M8 2v12M2 8h12',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  close: 'M3.5 3.500l9 9M12.5 3.500l-9 9',
  light:
    'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.200v1.300M8 13.500v1.300M1.2 8h1.300M13.5 8h1.300M3.2 3.200l.9.9M11.9 11.900l.9.9M3.2 12.800l.9-.9M11.9 4.100l.9-.9',
  dark: 'M13.5 9.800A6 6 0 0 1 6.2 2.5 6 6 0 1 0 13.5 9.800Z',
  auto: 'M8 14.200A6.2 6.2 0 1 0 8 1.800a6.2 6.2 0 0 0 0 12.400ZM8 2v12M8 5h4.700M8 8h6M8 11h4.7',
  keyboard: 'M1.5 4h13v8h-13zM4 6.500h.01M6.7 6.500h.01M9.3 6.500h.01M12 6.500h.01M4.5 9.500h7',
  table: 'M2.5 3.500h11v9h-11zM2.5 6.500h11M2.5 9.500h11M8 3.500v9',
  plug: 'M5.5 1.800v3M10.5 1.800v3M3.5 4.800h9V7a4.5 4.5 0 0 1-9 0ZM8 11.5v3',
  lock: 'M3.5 7.200h9v6.300h-9zM5.3 7.200V5a2.7 2.7 0 0 1 5.4 0v2.2',
  leave: 'M9.5 2.5h-6v11h6M7 8h7M11.5 5.5 14 8l-2.5 2.5',
  refresh: 'M13.5 8A5.5 5.5 0 1 1 11.7 3.900M13.5 1.800v3.400h-3.4',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, class: className }: { name: IconName; size?: number; class?: string }) {
  return (
    <svg
      class={className}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}

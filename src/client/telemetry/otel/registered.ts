/** Under this symbol every copy of OpenTelemetry's API, version 1, finds the providers that were registered with any of them. */
const registry = Symbol.for('opentelemetry.js.api.1');

/** Whether the application has registered a provider of metrics or spans. Loads nothing. */
export function otelIsRegistered(): boolean {
  const api: unknown = Reflect.get(globalThis, registry);
  return typeof api === 'object' && api !== null && ('metrics' in api || 'trace' in api);
}

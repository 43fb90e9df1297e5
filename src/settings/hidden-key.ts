// How do private keys stay out of what is logged, printed and shown, while the settings that hold them are plain data?
// Must not break: the guard is no part of the data (it is not enumerable), so a copy for another thread is made without
// it and has the key itself; whoever makes such a copy does not print it.

const shown = '(hidden)';
const inspected = Symbol.for('nodejs.util.inspect.custom');

/** The same object; JSON and Node's inspect see its `key` no more. */
export function withHiddenKey<T extends { readonly key: string }>(pair: T): T {
  const open = (): T => ({ ...pair, key: shown });
  Object.defineProperty(pair, 'toJSON', { value: open });
  return Object.defineProperty(pair, inspected, { value: open });
}

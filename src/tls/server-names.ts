// Which of several certificates is for the name that a client asks for? RFC 6125 §6.4.3: a wildcard stands for one
// label.

export interface Named<T> {
  /** In lower case. */
  readonly names: readonly string[];
  readonly value: T;
}

/** The first that bears the name, exactly before by a wildcard; else the first of all. */
export function byServerName<T>(all: readonly [Named<T>, ...Named<T>[]], asked: string | undefined): T {
  if (asked === undefined) return all[0].value;
  const wildcard = `*.${asked.split('.').slice(1).join('.')}`;
  const named = all.find(({ names }) => names.includes(asked)) ?? all.find(({ names }) => names.includes(wildcard));
  return (named ?? all[0]).value;
}

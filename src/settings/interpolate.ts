// What does a value become once ${NAME} in it is filled from the environment? For secrets and containers.
// Must not break: it works on one value that YAML has read already, never on the text of the file, and what it fills in
// is not looked at again: a variable cannot add keys to the file, nor name another variable.

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

// reference = "${" name [ ":-" fallback ] "}"      "$${" stands for "${" itself
// The last alternative takes what begins like a reference and is none, so that it is told and not passed on.
const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]*\}?/g;

/**
 * The text with each `${NAME}` and `${NAME:-fallback}` filled in. As in a shell, the fallback also stands in for a
 * variable that is set to nothing.
 */
export function interpolate(text: string, environment: Environment): Parsed<string> {
  let filled = '';
  let end = 0;
  for (const match of text.matchAll(reference)) {
    const value = replacement(match, environment);
    if (!value.ok) return value;
    filled += text.slice(end, match.index) + value.value;
    end = match.index + match[0].length;
  }
  return parsed(filled + text.slice(end));
}

function replacement([whole, name, fallback]: RegExpMatchArray, environment: Environment): Parsed<string> {
  if (whole === '$${') return parsed('${');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the syntax itself.
  if (name === undefined) return unreadable('expected ${NAME} or ${NAME:-fallback}; write $${ for a plain ${');
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (fallback !== undefined) return parsed(value === undefined || value === '' ? fallback : value);
  if (value === undefined) return unreadable(`the environment variable ${name} is not set; set it, or give a fallback`);
  return parsed(value);
}

// How does a fault of YAML syntax read to somebody who writes settings, not parsers?
// Must not break: every fault gets a sentence; those not named here keep the parser's own.

import type { YAMLError } from 'yaml';
import { shown } from './problem.ts';

export const tagMessage = 'a tag (!name) is not read here; write the value alone';

/** One sentence about a fault that the YAML parser found in the text. */
export function syntaxMessage(error: YAMLError, text: string): string {
  const rest = text.slice(error.pos[0]).split(/\r?\n/, 1)[0] ?? '';
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return `the key ${shown(rest.split(/:(?:\s|$)/, 1)[0])} stands here a second time`;
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; expected one per file';
    case 'TAG_RESOLVE_FAILED':
      return tagMessage;
    case 'TAB_AS_INDENT':
      return 'a tab stands in the indentation; expected blanks';
    default:
      return isUnquotedBracketAddress(error, text)
        ? 'an IPv6 address in brackets must stand in quotes, as "[::]:21", because YAML takes brackets for a list'
        : `is not valid YAML: ${error.message}`;
  }
}

// `listen: [::]:21` is a list to YAML, with a stray `:21` behind it. Everybody writes it once.
function isUnquotedBracketAddress(error: YAMLError, text: string): boolean {
  const before = text.slice(0, error.pos[0]).split('\n').at(-1) ?? '';
  return /\[[0-9a-fA-F:.]*\]$/.test(before) && /^:\d/.test(text.slice(error.pos[0]));
}

// Which rules do the settings name? Reads the rules file beside them, or the one that comes with the package.
// Must not break: there are always rules. A file that cannot be read is a problem, never a reason to go on without.

import { dirname, isAbsolute, join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import { type Checked, wholeFileProblem } from '../yaml/problem.ts';
import { problemAt, type YamlSource } from '../yaml/yaml-source.ts';
import { parseRuleset, type ReadRules } from './parse-ruleset.ts';
import { readTextFile } from './read-text-file.ts';

const packagedRules = join(packageRoot(), 'rules', 'default.yaml');

/**
 * The rules in the file that a settings file names by a path relative to itself; its problems bear that file's name.
 */
export function loadRules(settings: YamlSource, path: string): Checked<ReadRules> {
  const file = isAbsolute(path) ? path : join(dirname(settings.file), path);
  const content = readTextFile(file);
  if (content.ok) return parseRuleset(file, content.value);
  return { ok: false, reason: [problemAt(settings, ['rules'], `the file ${file} ${content.reason}`)] };
}

/** The rules that hold where the settings name none: rules/default.yaml of the package. */
export function loadPackagedRules(): Checked<ReadRules> {
  const content = readTextFile(packagedRules);
  if (content.ok) return parseRuleset(packagedRules, content.value, 'packaged default');
  return { ok: false, reason: [wholeFileProblem(packagedRules, `the packaged rules file ${content.reason}`)] };
}

// What does a systemd unit of deploy/ say? The values of a key in the order of the file, as systemd.syntax(7) reads
// them; and its commands as a shell can run them, so that a test runs what the file has and not a copy of it.

import { readFileSync } from 'node:fs';

export interface UnitCommand {
  /** For `sh -c`; ${NAME} from Environment= is filled in. */
  readonly script: string;
  /** The prefix `-`: systemd goes on where it fails. */
  readonly mayFail: boolean;
}

export class UnitFile {
  readonly path: string;
  readonly text: string;

  /** `name` is below deploy/systemd/. */
  constructor(name: string) {
    this.path = new URL(`../../deploy/systemd/${name}`, import.meta.url).pathname;
    this.text = readFileSync(this.path, 'utf8');
  }

  /** A backslash joins the next line; an assignment of nothing empties the list before it. */
  values(key: string): readonly string[] {
    const values: string[] = [];
    for (const line of this.text.replaceAll('\\\n', ' ').split('\n')) {
      const [, name, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (name !== key) continue;
      if (value === '') values.length = 0;
      else values.push(value);
    }
    return values;
  }

  /** The words of all lines of a key. */
  words(key: string): readonly string[] {
    return this.values(key).flatMap((value) => value.split(' '));
  }

  commands(key: string): readonly UnitCommand[] {
    const environment = this.words('Environment').map((pair) => pair.split('='));
    return this.values(key).map((value) => ({
      script: environment.reduce(
        (script, [name, word = '']) => script.replaceAll(`\${${name}}`, word),
        value.replace(/^-/, ''),
      ),
      mayFail: value.startsWith('-'),
    }));
  }
}

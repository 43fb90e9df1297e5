// Where is the package? Its code runs from sources or from a build with other folders, so the way to it is not fixed.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds package.json, rules and deploy. Throws where there is none. */
export function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error(`no package.json above ${import.meta.dirname}`);
    folder = above;
  }
  return folder;
}

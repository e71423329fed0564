/** Tools of the host that a test needs: what is missing is the reason to skip it. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** False when all are there, else why the test is skipped; for `{ skip }` of a test. */
export function lacking(...tools: readonly string[]): string | false {
	const missing = tools.filter(
		(tool) => !(process.env.PATH ?? '').split(delimiter).some((folder) => isThere(join(folder, tool))),
	);
	return missing.length === 0 ? false : `not installed: ${missing.join(', ')}`;
}

function isThere(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

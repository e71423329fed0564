import { ImageError } from '#domain/errors.ts';
import type { TaskDraft } from '#domain/tasks/controller.ts';
import { TASK_SCHEMA } from './json-schemas/task.ts';
import { quoted } from './texts.ts';
import { compileSchema, isRecord } from './value-schema.ts';

const CHECKS = new Map(
	Object.entries(TASK_SCHEMA.properties).map(([name, schema]) => [name, compileSchema(schema, name)] as const),
);

/** The body of "Create task". Whatever else of a task the client sends must be of its form, and is not looked at. */
export function parseTaskDraft(body: unknown): TaskDraft {
	const given = isRecord(body) ? body : {};
	for (const name of ['type', 'input']) if (!Object.hasOwn(given, name)) throw new ImageError('invalid', `a task needs ${name}`);
	for (const [name, value] of Object.entries(given)) {
		const check = CHECKS.get(name);
		if (check === undefined) throw new ImageError('invalid', `a task has no ${quoted(name)}`);
		const problem = check(value);
		if (problem !== undefined) throw new ImageError('invalid', `${name} ${problem}`);
	}
	return { type: String(given.type), input: isRecord(given.input) ? given.input : {} };
}

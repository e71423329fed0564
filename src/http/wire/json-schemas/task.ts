import { TASK_STATUSES, TASK_TYPES } from '#domain/task.ts';
import { UUID_PATTERN } from '../custom-properties.ts';

const text = (description: string) => ({ type: 'string', description });

/** Work that goes on after its request was answered. Image API v2, "Show task schema". */
export const TASK_SCHEMA = {
	name: 'task',
	properties: {
		id: { type: 'string', pattern: UUID_PATTERN, description: 'Identifier of the task' },
		type: { type: 'string', enum: TASK_TYPES, description: 'What is done' },
		status: { type: 'string', enum: TASK_STATUSES, description: 'How far it is' },
		input: { type: ['null', 'object'], description: 'What the task was given' },
		result: { type: ['null', 'object'], description: 'What came out of it' },
		owner: text('Project that owns the task'),
		message: text('What people should know, mostly why it failed'),
		image_id: text('Image that the task is about'),
		request_id: text('Request that began the task'),
		user_id: text('User who began the task'),
		expires_at: { type: ['null', 'string'], description: 'When the task will be forgotten' },
		created_at: text('When the task was created'),
		updated_at: text('When the task was changed last'),
		self: { readOnly: true, type: 'string' },
		schema: { readOnly: true, type: 'string' },
	},
} as const;

const { input: _, result: __, message: ___, ...LISTED } = TASK_SCHEMA.properties;

/** Lists leave out what may be long. Image API v2, "Show tasks schema". */
export const TASKS_SCHEMA = {
	name: 'tasks',
	properties: { tasks: { type: 'array', items: { ...TASK_SCHEMA, properties: LISTED } }, schema: { type: 'string' } },
	links: [{ rel: 'describedby', href: '{schema}' }],
} as const;

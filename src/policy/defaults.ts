/**
 * Glance's rules by name with the checks of its new defaults, and of those they replaced. An operator's file replaces
 * them name by name.
 */
import { METADEF_RULES } from './metadef-defaults.ts';

export interface DefaultRule {
	readonly check: string;
	/** where new defaults are not enforced, this is enough too */
	readonly legacy?: string;
	/** asked of tokens of any scope; otherwise of a project's only */
	readonly anyScope?: true;
	/** who passes may … */
	readonly description: string;
	/** method and path; none: only other rules refer to it */
	readonly operations: readonly string[];
}

const EVERYBODY = '';
const DEFAULT = 'rule:default';
const ADMIN = 'rule:context_is_admin';
const SERVICE = 'rule:service_api';
const OWN = 'project_id:%(project_id)s';
const OWNS = 'project_id:%(owner)s';
const MEMBER_OF = 'project_id:%(member_id)s';
/** `shared` needs no look at members: whom an image is not shared with does not get this far. */
const SEE = `(${OWN} or ${MEMBER_OF} or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s)`;
const CREATOR = `${ADMIN} or (role:member and ${OWN} and ${OWNS})`;
const OWNING_MEMBER = `${ADMIN} or (role:member and ${OWN})`;
const OWNING_READER = `${ADMIN} or (role:reader and ${OWN})`;
const SEEING_MEMBER = `${ADMIN} or (role:member and ${SEE})`;
const SEEING_READER = `${ADMIN} or (role:reader and ${SEE})`;
const SHARING_READER = `${ADMIN} or role:reader and (${OWN} or ${MEMBER_OF})`;

export const DEFAULT_RULES: Readonly<Record<string, DefaultRule>> = {
	default: {
		check: EVERYBODY,
		anyScope: true,
		description: 'everything that has no rule of its own',
		operations: [],
	},
	context_is_admin: {
		check: 'role:admin',
		anyScope: true,
		description: 'who is an administrator, on whatever project',
		operations: [],
	},
	service_api: {
		check: 'role:service or role:admin',
		anyScope: true,
		description: 'who is a service of the cloud',
		operations: [],
	},
	add_image: { check: CREATOR, legacy: DEFAULT, description: 'create an image', operations: ['POST /v2/images'] },
	delete_image: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'delete an image',
		operations: ['DELETE /v2/images/{image_id}'],
	},
	get_image: {
		check: SEEING_READER,
		legacy: DEFAULT,
		description: 'show an image; list it',
		operations: ['GET /v2/images/{image_id}'],
	},
	get_images: { check: OWNING_READER, legacy: DEFAULT, description: 'list images at all', operations: ['GET /v2/images'] },
	modify_image: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'change an image, its tags and its staged bytes',
		operations: ['PATCH /v2/images/{image_id}'],
	},
	publicize_image: { check: ADMIN, description: 'make an image public', operations: ['PATCH /v2/images/{image_id}'] },
	communitize_image: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'make an image a community image',
		operations: ['PATCH /v2/images/{image_id}'],
	},
	download_image: {
		check: SEEING_MEMBER,
		legacy: DEFAULT,
		description: "read an image's bytes",
		operations: ['GET /v2/images/{image_id}/file'],
	},
	download_from_store: {
		check: SEEING_MEMBER,
		description: "read an image's bytes from one store",
		operations: ['GET /v2/images/{image_id}/file'],
	},
	upload_image: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'give an image its bytes',
		operations: ['PUT /v2/images/{image_id}/file'],
	},
	delete_image_location: {
		check: ADMIN,
		legacy: DEFAULT,
		description: 'drop a location of an image',
		operations: ['PATCH /v2/images/{image_id}'],
	},
	get_image_location: {
		check: OWNING_READER,
		legacy: DEFAULT,
		description: "see where an image's bytes are",
		operations: ['GET /v2/images/{image_id}'],
	},
	set_image_location: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: "set an image's locations by an update",
		operations: ['PATCH /v2/images/{image_id}'],
	},
	add_image_location: {
		check: `${SERVICE} or (role:member and ${OWN} and ${OWNS})`,
		description: 'add a location to an image that has none',
		operations: ['POST /v2/images/{image_id}/locations'],
	},
	fetch_image_location: {
		check: SERVICE,
		description: "list an image's locations as a service",
		operations: ['GET /v2/images/{image_id}/locations'],
	},
	add_member: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'share an image with a project',
		operations: ['POST /v2/images/{image_id}/members'],
	},
	delete_member: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'stop sharing an image with a project',
		operations: ['DELETE /v2/images/{image_id}/members/{member_id}'],
	},
	get_member: {
		check: SHARING_READER,
		legacy: DEFAULT,
		description: 'show one project an image is shared with',
		operations: ['GET /v2/images/{image_id}/members/{member_id}'],
	},
	get_members: {
		check: SHARING_READER,
		legacy: DEFAULT,
		description: 'list the projects an image is shared with',
		operations: ['GET /v2/images/{image_id}/members'],
	},
	modify_member: {
		check: `${ADMIN} or (role:member and ${MEMBER_OF})`,
		legacy: DEFAULT,
		description: "accept or reject an image that is shared with one's project",
		operations: ['PUT /v2/images/{image_id}/members/{member_id}'],
	},
	manage_image_cache: { check: ADMIN, description: 'look after the cache (the older, single rule)', operations: [] },
	deactivate: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'deactivate an image',
		operations: ['POST /v2/images/{image_id}/actions/deactivate'],
	},
	reactivate: {
		check: OWNING_MEMBER,
		legacy: DEFAULT,
		description: 'reactivate an image',
		operations: ['POST /v2/images/{image_id}/actions/reactivate'],
	},
	copy_image: { check: ADMIN, description: 'copy an image to more stores', operations: ['POST /v2/images/{image_id}/import'] },
	list_cached_nodes: {
		check: ADMIN,
		description: 'list the nodes that hold an image in their cache',
		operations: ['GET /v2/cache/nodes/{image_id}'],
	},
	cache_image: {
		check: ADMIN,
		legacy: 'rule:manage_image_cache',
		description: 'put an image in line for the cache',
		operations: ['PUT /v2/cache/{image_id}'],
	},
	cache_list: {
		check: ADMIN,
		legacy: 'rule:manage_image_cache',
		description: 'list what is cached and what is in line',
		operations: ['GET /v2/cache'],
	},
	cache_delete: {
		check: ADMIN,
		legacy: 'rule:manage_image_cache',
		description: 'drop one image, or all, from the cache',
		operations: ['DELETE /v2/cache', 'DELETE /v2/cache/{image_id}'],
	},
	cache_clean: { check: ADMIN, description: 'clear the cache of what is broken or stuck', operations: ['POST /v2/cache/clean'] },
	cache_prune: { check: ADMIN, description: 'shrink the cache to its size', operations: ['POST /v2/cache/prune'] },
	stores_info_detail: {
		check: `${ADMIN} or ${SERVICE}`,
		legacy: ADMIN,
		description: 'see the stores with their properties',
		operations: ['GET /v2/info/stores/detail'],
	},
	get_task: {
		check: DEFAULT,
		legacy: DEFAULT,
		description: 'show a task; asked inside the service',
		operations: ['GET /v2/tasks/{task_id}'],
	},
	get_tasks: {
		check: DEFAULT,
		legacy: DEFAULT,
		description: 'list tasks; asked inside the service',
		operations: ['GET /v2/tasks'],
	},
	add_task: {
		check: DEFAULT,
		legacy: DEFAULT,
		description: 'create a task; asked inside the service',
		operations: ['POST /v2/tasks'],
	},
	modify_task: { check: DEFAULT, description: 'change a task; nothing asks it', operations: ['DELETE /v2/tasks/{task_id}'] },
	tasks_api_access: {
		check: ADMIN,
		description: 'use the task API',
		operations: ['GET /v2/tasks/{task_id}', 'GET /v2/tasks', 'POST /v2/tasks', 'DELETE /v2/tasks/{task_id}'],
	},
	...METADEF_RULES,
};

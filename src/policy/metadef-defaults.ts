/** The rules of metadata definitions. */
import type { DefaultRule } from './defaults.ts';

const EVERYBODY = '';
const ADMIN = 'rule:context_is_admin';
const METADEF_ADMIN = 'rule:metadef_admin';
const METADEF_DEFAULT = 'rule:metadef_default';
const OWN = 'project_id:%(project_id)s';
const OWNING_READER = `${ADMIN} or (role:reader and ${OWN})`;
const NAMESPACE_READER = `${ADMIN} or (role:reader and (${OWN} or 'public':%(visibility)s))`;

export const METADEF_RULES = {
	metadef_default: {
		check: EVERYBODY,
		anyScope: true,
		description: 'metadata definitions: what has no rule of its own, before the new defaults',
		operations: [],
	},
	metadef_admin: { check: ADMIN, anyScope: true, description: 'who may change metadata definitions', operations: [] },
	get_metadef_namespace: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: 'show a namespace',
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}'],
	},
	get_metadef_namespaces: {
		check: OWNING_READER,
		legacy: METADEF_DEFAULT,
		description: 'list namespaces',
		operations: ['GET /v2/metadefs/namespaces'],
	},
	modify_metadef_namespace: {
		check: METADEF_ADMIN,
		description: 'change a namespace',
		operations: ['PUT /v2/metadefs/namespaces/{namespace_name}'],
	},
	add_metadef_namespace: {
		check: METADEF_ADMIN,
		description: 'create a namespace',
		operations: ['POST /v2/metadefs/namespaces'],
	},
	delete_metadef_namespace: {
		check: METADEF_ADMIN,
		description: 'delete a namespace, or its objects, properties or tags',
		operations: ['DELETE /v2/metadefs/namespaces/{namespace_name}'],
	},
	get_metadef_object: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: 'show an object',
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/objects/{object_name}'],
	},
	get_metadef_objects: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: "list a namespace's objects",
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/objects'],
	},
	modify_metadef_object: {
		check: METADEF_ADMIN,
		description: 'change an object',
		operations: ['PUT /v2/metadefs/namespaces/{namespace_name}/objects/{object_name}'],
	},
	add_metadef_object: {
		check: METADEF_ADMIN,
		description: 'create an object',
		operations: ['POST /v2/metadefs/namespaces/{namespace_name}/objects'],
	},
	delete_metadef_object: {
		check: METADEF_ADMIN,
		description: 'delete an object',
		operations: ['DELETE /v2/metadefs/namespaces/{namespace_name}/objects/{object_name}'],
	},
	list_metadef_resource_types: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: 'list resource types',
		operations: ['GET /v2/metadefs/resource_types'],
	},
	get_metadef_resource_type: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: 'list the resource types of a namespace',
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/resource_types'],
	},
	add_metadef_resource_type_association: {
		check: METADEF_ADMIN,
		description: 'tie a resource type to a namespace',
		operations: ['POST /v2/metadefs/namespaces/{namespace_name}/resource_types'],
	},
	remove_metadef_resource_type_association: {
		check: METADEF_ADMIN,
		description: 'untie a resource type from a namespace',
		operations: ['DELETE /v2/metadefs/namespaces/{namespace_name}/resource_types/{name}'],
	},
	get_metadef_property: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: 'show a property',
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/properties/{property_name}'],
	},
	get_metadef_properties: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: "list a namespace's properties",
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/properties'],
	},
	modify_metadef_property: {
		check: METADEF_ADMIN,
		description: 'change a property',
		operations: ['PUT /v2/metadefs/namespaces/{namespace_name}/properties/{property_name}'],
	},
	add_metadef_property: {
		check: METADEF_ADMIN,
		description: 'create a property',
		operations: ['POST /v2/metadefs/namespaces/{namespace_name}/properties'],
	},
	remove_metadef_property: {
		check: METADEF_ADMIN,
		description: 'delete a property',
		operations: ['DELETE /v2/metadefs/namespaces/{namespace_name}/properties/{property_name}'],
	},
	get_metadef_tag: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: 'show a tag',
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}'],
	},
	get_metadef_tags: {
		check: NAMESPACE_READER,
		legacy: METADEF_DEFAULT,
		description: "list a namespace's tags",
		operations: ['GET /v2/metadefs/namespaces/{namespace_name}/tags'],
	},
	modify_metadef_tag: {
		check: METADEF_ADMIN,
		description: 'change a tag',
		operations: ['PUT /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}'],
	},
	add_metadef_tag: {
		check: METADEF_ADMIN,
		description: 'create a tag',
		operations: ['POST /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}'],
	},
	add_metadef_tags: {
		check: METADEF_ADMIN,
		description: "replace a namespace's tags",
		operations: ['POST /v2/metadefs/namespaces/{namespace_name}/tags'],
	},
	delete_metadef_tag: {
		check: METADEF_ADMIN,
		description: 'delete a tag',
		operations: ['DELETE /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}'],
	},
	delete_metadef_tags: {
		check: METADEF_ADMIN,
		description: "delete a namespace's tags",
		operations: ['DELETE /v2/metadefs/namespaces/{namespace_name}/tags'],
	},
} as const satisfies Readonly<Record<string, DefaultRule>>;

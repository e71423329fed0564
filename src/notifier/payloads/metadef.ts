/** Metadata definitions. `*_old` is the name before an update, otherwise the name itself. */
import type { Circumstances, MetadefEvent } from '#domain/events.ts';
import type { MetadefObject, PropertySchema } from '#domain/metadef.ts';
import { deletion, seconds } from './times.ts';

type Event = Circumstances & MetadefEvent;

export function metadefPayload(event: Event): object {
	const gone = deletion(event.type.endsWith('.delete'), event.at);
	if ('object' in event) return { ...objectPayload(event.namespace, event.object, event.nameBefore), ...gone };
	if ('property' in event) {
		const { name, schema } = event.property;
		return { namespace: event.namespace, ...names(name, event.nameBefore), ...propertyKeys(schema), ...gone };
	}
	if ('tag' in event) {
		const { name, createdAt, updatedAt } = event.tag;
		return { namespace: event.namespace, ...names(name, event.nameBefore), ...times(createdAt, updatedAt), ...gone };
	}
	if ('association' in event) {
		const { name, prefix, propertiesTarget, createdAt, updatedAt } = event.association;
		const keys = { prefix, properties_target: propertiesTarget };
		return { namespace: event.namespace, ...names(name), ...keys, ...times(createdAt, updatedAt), ...gone };
	}
	const { namespace } = event;
	return {
		namespace: namespace.namespace,
		namespace_old: event.nameBefore ?? namespace.namespace,
		display_name: namespace.displayName,
		protected: namespace.protected,
		visibility: namespace.visibility,
		owner: namespace.owner,
		description: namespace.description,
		...times(namespace.createdAt, namespace.updatedAt),
		...gone,
	};
}

function objectPayload(namespace: string, object: MetadefObject, nameBefore?: string): object {
	const properties = (object.properties ?? []).map(({ name, schema }) => ({ name, ...propertyKeys(schema) }));
	return {
		namespace,
		...names(object.name, nameBefore),
		properties,
		required: object.required,
		description: object.description,
		...times(object.createdAt, object.updatedAt),
	};
}

const PROPERTY_KEYS = [
	'type',
	'title',
	'description',
	'default',
	'minimum',
	'maximum',
	'enum',
	'pattern',
	'minLength',
	'maxLength',
	'confidential',
	'items',
	'uniqueItems',
	'minItems',
	'maxItems',
	'additionalItems',
] as const;

function propertyKeys(schema: PropertySchema): object {
	return Object.fromEntries(PROPERTY_KEYS.map((key) => [key, Object.hasOwn(schema, key) ? schema[key] : null]));
}

function names(name: string, nameBefore: string = name): object {
	return { name, name_old: nameBefore };
}

function times(createdAt: number, updatedAt: number): object {
	return { created_at: seconds(createdAt), updated_at: seconds(updatedAt) };
}

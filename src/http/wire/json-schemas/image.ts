/**
 * The image as JSON schema (draft 4), as clients read it to learn names, types and what is read-only: glanceclient
 * builds its objects from it. Image API v2, "Show image schema".
 */
import { IMAGE_STATUSES, VISIBILITIES } from '#domain/image.ts';
import { UUID_PATTERN } from '../custom-properties.ts';
import type { ImageFormats } from '../formats.ts';
import type { ImageRules } from '../image-rules.ts';

export interface JsonSchema {
	readonly name: string;
	readonly properties: Readonly<Record<string, object>>;
	readonly additionalProperties?: object | boolean;
	readonly required?: readonly string[];
	readonly links: readonly { readonly rel: string; readonly href: string }[];
}

export const NULLABLE_TEXT = ['null', 'string'] as const;

export function imageSchema({ formats, custom, additionalProperties }: ImageRules): JsonSchema {
	const described = Object.entries(custom.schemas).map(([name, schema]) => [name, { ...schema, is_base: false }] as const);
	return {
		name: 'image',
		properties: { ...Object.fromEntries(described), ...baseProperties(formats) },
		additionalProperties: additionalProperties && { type: 'string' },
		...(custom.required.length > 0 && { required: custom.required }),
		links: [
			{ rel: 'self', href: '{self}' },
			{ rel: 'enclosure', href: '{file}' },
			{ rel: 'describedby', href: '{schema}' },
		],
	};
}

function readOnly(property: object): object {
	return { ...property, readOnly: true };
}

function text(description: string, maxLength: number): object {
	return { type: NULLABLE_TEXT, maxLength, description };
}

/** `stores` is shown and yet not here, as with Glance: glanceclient makes an option of every name, and has a --stores. */
function baseProperties(formats: ImageFormats): Readonly<Record<string, object>> {
	return {
		id: { type: 'string', pattern: UUID_PATTERN, description: 'Identifier of the image' },
		name: text('Name of the image', 255),
		status: readOnly({ type: 'string', enum: IMAGE_STATUSES, description: 'Status of the image' }),
		visibility: { type: 'string', enum: VISIBILITIES, description: 'Who can see the image' },
		protected: { type: 'boolean', description: 'Whether the image is kept from deletion' },
		os_hidden: { type: 'boolean', description: 'Whether the image is left out of lists' },
		checksum: readOnly(text('MD5 digest of the data', 32)),
		os_hash_algo: readOnly(text('Algorithm of os_hash_value', 64)),
		os_hash_value: readOnly(text('Digest of the data by os_hash_algo, hexadecimal', 128)),
		owner: text('Project that owns the image', 255),
		size: readOnly({ type: ['null', 'integer'], description: 'Size of the data in bytes' }),
		virtual_size: readOnly({ type: ['null', 'integer'], description: 'Size of the disk inside of the data in bytes' }),
		container_format: { type: NULLABLE_TEXT, enum: [null, ...formats.container], description: 'Format of the container' },
		disk_format: { type: NULLABLE_TEXT, enum: [null, ...formats.disk], description: 'Format of the disk' },
		created_at: readOnly({ type: 'string', description: 'When the image was created' }),
		updated_at: readOnly({ type: 'string', description: 'When the image was changed last' }),
		tags: { type: 'array', items: { type: 'string', maxLength: 255 }, description: 'Texts attached to the image' },
		direct_url: readOnly({ type: 'string', description: 'Where the data is in its store' }),
		min_ram: { type: 'integer', minimum: 0, description: 'Memory in MiB that booting needs' },
		min_disk: { type: 'integer', minimum: 0, description: 'Disk space in GiB that booting needs' },
		self: readOnly({ type: 'string', description: 'Path of the image' }),
		file: readOnly({ type: 'string', description: 'Path of the data' }),
		schema: readOnly({ type: 'string', description: 'Path of this schema' }),
		locations: { type: 'array', items: LOCATION, description: 'Where the data is, with metadata of the place' },
	};
}

const LOCATION = {
	type: 'object',
	properties: {
		url: { type: 'string', maxLength: 255 },
		metadata: { type: 'object' },
		validation_data: {
			description: 'What is known of the data, for a location of an image without data',
			type: 'object',
			writeOnly: true,
			additionalProperties: false,
			properties: {
				checksum: { type: 'string', minLength: 32, maxLength: 32 },
				os_hash_algo: { type: 'string', maxLength: 64 },
				os_hash_value: { type: 'string', maxLength: 128 },
			},
			required: ['os_hash_algo', 'os_hash_value'],
		},
	},
	required: ['url', 'metadata'],
};

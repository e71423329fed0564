import type { Image } from '#domain/image.ts';
import type { StoreLocation } from '#domain/ports/stores.ts';
import { DEFAULT_RULES, type ImageRules, type StoresShown } from './image-rules.ts';
import { viewTime } from './times.ts';

export interface ViewOptions {
	readonly rules: ImageRules;
	/** only asked when places are shown */
	readonly locationsOf: (image: Image) => readonly StoreLocation[];
}

export const DEFAULT_VIEW: ViewOptions = { rules: DEFAULT_RULES, locationsOf: () => [] };

/** An image as Glance sends it, key order included: custom properties first. Image API v2, "Show image". */
export function viewImage(image: Image, { rules, locationsOf }: ViewOptions = DEFAULT_VIEW): Readonly<Record<string, unknown>> {
	const path = `/v2/images/${image.id}`;
	return {
		...viewProperties(image, rules),
		name: image.name,
		disk_format: image.diskFormat,
		container_format: image.containerFormat,
		visibility: image.visibility,
		size: image.size,
		virtual_size: image.virtualSize,
		status: image.status,
		checksum: image.checksum,
		protected: image.protected,
		min_ram: image.minRam,
		min_disk: image.minDisk,
		owner: image.owner,
		os_hidden: image.hidden,
		os_hash_algo: image.hashAlgorithm,
		os_hash_value: image.hashValue,
		id: image.id,
		created_at: viewTime(image.createdAt),
		updated_at: viewTime(image.updatedAt),
		...((rules.showMultipleLocations || rules.showDirectUrl) && viewLocations(locationsOf(image), rules)),
		tags: image.tags,
		self: path,
		file: `${path}/file`,
		schema: '/v2/schemas/image',
		...storesOf(image, rules.storesShown),
	};
}

/** Tenants choose how long their properties are: some thousand texts of this length are the most that is kept. */
const KEPT_CHARS_MAX = 16 * 1024;

/**
 * The view as JSON, made once for every revision of an image that somebody keeps: an image never changes, its next
 * revision is another value. Where places are shown, which differ from caller to caller, it is made for each answer.
 */
export function imageTexts(rules: ImageRules): (image: Image, locationsOf: ViewOptions['locationsOf']) => string {
	const showsPlaces = rules.showMultipleLocations || rules.showDirectUrl;
	const texts = new WeakMap<Image, string>();
	return (image, locationsOf) => {
		const known = texts.get(image);
		if (known !== undefined) return known;
		const text = JSON.stringify(viewImage(image, { rules, locationsOf }));
		if (!showsPlaces && text.length <= KEPT_CHARS_MAX) texts.set(image, text);
		return text;
	};
}

/** A property without a schema is not shown where none may be had. */
function viewProperties({ properties }: Image, { custom, additionalProperties }: ImageRules): Readonly<Record<string, unknown>> {
	const entries = Object.entries(properties).map(([name, text]) => [name, custom.toValue(name, text)] as const);
	return Object.fromEntries(additionalProperties ? entries : entries.filter(([name]) => Object.hasOwn(custom.schemas, name)));
}

/** `locations` is there, if empty, wherever locations may be seen; `direct_url` only when there is one. */
function viewLocations(locations: readonly StoreLocation[], { showMultipleLocations, showDirectUrl }: ImageRules): object {
	const best = locations[0];
	return {
		...(showMultipleLocations && { locations }),
		...(showDirectUrl && best !== undefined && { direct_url: best.url }),
	};
}

/** Every site and backend that holds the image; absent while nothing does. */
function storesOf({ copies, locations }: Image, shown: StoresShown): { readonly stores?: string } {
	if (shown === 'none') return {};
	const held = copies.filter(({ kind }) => kind === 'backend' || shown === 'backends and sites').map(({ store }) => store);
	const given = locations.flatMap(({ metadata: { store } }) => (typeof store === 'string' ? [store] : []));
	const stores = [...new Set([...given, ...held])];
	return stores.length === 0 ? {} : { stores: stores.join(',') };
}

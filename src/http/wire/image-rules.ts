import { type CustomProperties, SHIPPED_PROPERTIES } from './custom-properties.ts';
import { DEFAULT_FORMATS, type ImageFormats } from './formats.ts';

/** What an operator lets an image have, and what of it is shown. */
export interface ImageRules {
	readonly formats: ImageFormats;
	readonly custom: CustomProperties;
	/** properties without a schema are taken, and shown */
	readonly additionalProperties: boolean;
	/** code points above U+FFFF are refused */
	readonly refuseAstral: boolean;
	readonly showDirectUrl: boolean;
	readonly showMultipleLocations: boolean;
	readonly storesShown: StoresShown;
}

/** What clients see of stores: `none` as Glance with one store, `backends` as Glance with several. */
export const STORES_SHOWN = ['backends and sites', 'backends', 'none'] as const;
export type StoresShown = (typeof STORES_SHOWN)[number];

export const DEFAULT_RULES: ImageRules = {
	formats: DEFAULT_FORMATS,
	custom: SHIPPED_PROPERTIES,
	additionalProperties: true,
	refuseAstral: false,
	showDirectUrl: false,
	showMultipleLocations: false,
	storesShown: 'backends and sites',
};

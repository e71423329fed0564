/** What a client asks of an import. Image API v2, "Import an image". */
export interface ImportRequest {
	readonly method: ImportMethod;
	/** ids of the stores that are to have the image; absent: the default one */
	readonly stores?: readonly string[];
	/** every store that takes images; `stores` is absent then */
	readonly allStores?: boolean;
	/** false: a store that fails is only named. Default true */
	readonly allStoresMustSucceed?: boolean;
}

export type ImportMethod =
	| { readonly name: 'glance-direct' }
	| { readonly name: 'web-download'; readonly uri: string }
	| {
			readonly name: 'glance-download';
			readonly region: string;
			readonly imageId: string;
			/** as the service catalogue has it: public, internal, admin */
			readonly serviceInterface: string;
	  }
	| { readonly name: 'copy-image' };

export const IMPORT_METHODS = ['glance-direct', 'web-download', 'glance-download', 'copy-image'] as const;
export type ImportMethodName = (typeof IMPORT_METHODS)[number];

/** Properties of an image that tell of its import, as in Glance; nobody but an import sets them. */
export const IMPORTING = 'os_glance_importing_to_stores';
export const FAILED = 'os_glance_failed_import';
/** id of the task that holds the image */
export const IMPORT_TASK = 'os_glance_import_task';

/** What a client asks of an import. Image API v2, "Import an image". */
export interface ImportRequest {
	/** its name; which ones there are, the controller of imports says */
	readonly method: string;
	/** ids of the stores that are to have the image; absent: the default one */
	readonly stores?: readonly string[];
}

/** Formats of disk images that are told by their bytes; `raw` is what shows no other. */
export const INSPECTED_FORMATS = ['raw', 'qcow2', 'vhd', 'vhdx', 'vmdk', 'vdi', 'iso', 'gpt', 'luks', 'qed'] as const;
export type InspectedFormat = (typeof INSPECTED_FORMATS)[number];

/**
 * Looks at the bytes of one image as they pass by: reads each once, in order, and keeps at most 1 MiB of them. Never throws
 * because of what the bytes are, and finds the same whatever the size of the chunks.
 */
export interface Inspector {
	/** The next chunk, from the image's first byte on; it is not kept. */
	feed(chunk: Uint8Array): void;
	/** What is certain already: later findings add to it and take nothing back. `size` is what has been fed. */
	soFar(): Finding;
	/** After the last byte. */
	finish(): Finding;
}

export interface InspectorOptions {
	/** createTypes of VMDK that may be accepted, in any case; default: streamOptimized, monolithicSparse */
	readonly vmdkTypes?: readonly string[];
}

export interface Finding {
	/** bytes of the image itself */
	readonly size: number;
	/** every format whose signature is there, each once; none: raw */
	readonly matches: readonly FormatMatch[];
}

export interface FormatMatch {
	readonly format: Exclude<InspectedFormat, 'raw'>;
	/** bytes of the disk inside, as qemu-img counts them; null when nobody can say */
	readonly virtualSize: number | null;
	/** why these bytes must not be handed to whoever opens such images; empty: nothing was found */
	readonly dangers: readonly Danger[];
}

export interface Danger {
	/** oslo.utils' name of the check that failed, where it has one: backing_file, data_file, descriptor, mbr … */
	readonly check: string;
	/** words for a client: what is wrong, without the content itself */
	readonly why: string;
}

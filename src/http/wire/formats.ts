/** Formats a client may declare; an operator may choose other lists. */
export interface ImageFormats {
	readonly disk: readonly string[];
	readonly container: readonly string[];
}

export const DEFAULT_FORMATS: ImageFormats = {
	disk: ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
	container: ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
};

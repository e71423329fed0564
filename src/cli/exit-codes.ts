/** How the CLI ends. docs/operating.md, "Exit codes". */
export const EXIT = {
	ok: 0,
	/** it was tried and failed; the line says why */
	failure: 1,
	/** the command line or a setting is wrong; nothing was tried */
	usage: 2,
	/** the node cannot have what it needs: its address, its data directory */
	cannotStart: 3,
	/** no running node answers */
	noNode: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the CLI with one line on standard error and this code. */
export class CliError extends Error {
	override readonly name = 'CliError';
	readonly exitCode: ExitCode;

	constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.exitCode = exitCode;
	}
}

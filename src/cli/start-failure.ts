/** Why a node did not start, as one line for its operator. */
import { type Config, ConfigError } from '#config/config.ts';
import { formatAddress } from '#config/parse.ts';
import { ProtectionsError } from '#policy/property-protections.ts';
import { RuleFileError } from '#policy/rule-file.ts';
import { CliError, EXIT } from './exit-codes.ts';

type Explain = (config: Config, error: NodeJS.ErrnoException) => string;

const CAUSES: Readonly<Record<string, Explain>> = {
	EADDRINUSE: (config, error) =>
		`${addressOf(config, error)} is in use by another process; choose another address or stop that process`,
	EADDRNOTAVAIL: (config, error) => `${addressOf(config, error)} is no address of this machine`,
	LEVEL_LOCKED: ({ dataDir }) =>
		`data directory ${dataDir} is in use by another process; stop it, or choose another SUNDOG_DATA_DIR`,
	EACCES: (config, error) =>
		error.syscall === 'listen'
			? `${addressOf(config, error)} may not be used by this user (ports below 1024 need a privilege)`
			: `${error.path ?? config.dataDir} may not be used by this user`,
	EPERM: ({ dataDir }, error) => `${error.path ?? dataDir} may not be used by this user`,
	EROFS: ({ dataDir }, error) => `${error.path ?? dataDir} is on a read-only file system`,
	ENOSPC: ({ dataDir }, error) => `no space is left for ${error.path ?? dataDir}`,
	EDQUOT: ({ dataDir }, error) => `this user's disk quota is used up at ${error.path ?? dataDir}`,
	ENOTDIR: ({ dataDir }, error) => `${error.path ?? dataDir} is not a folder`,
	EEXIST: ({ dataDir }, error) => `${error.path ?? dataDir} is not a folder`,
};

/** The innermost cause with a known code decides; anything else keeps its own message. */
export function startFailure(error: unknown, config: Config): CliError {
	if (error instanceof CliError) return error;
	if (isMistakeOfSettings(error)) return new CliError(EXIT.usage, error.message, { cause: error });
	const chain = causesOf(error);
	const known = chain.findLast(({ code }) => code !== undefined && Object.hasOwn(CAUSES, code));
	const explain = CAUSES[known?.code ?? ''];
	if (known !== undefined && explain !== undefined)
		return new CliError(EXIT.cannotStart, explain(config, known), { cause: error });
	return new CliError(EXIT.failure, chain[0]?.message ?? String(error), { cause: error });
}

/** What a setting names is read only when the node starts: rules, protections, schemas. */
function isMistakeOfSettings(error: unknown): error is Error {
	return error instanceof ConfigError || error instanceof RuleFileError || error instanceof ProtectionsError;
}

const MAX_CAUSES = 10;

function causesOf(error: unknown): readonly NodeJS.ErrnoException[] {
	const chain: NodeJS.ErrnoException[] = [];
	for (let at = error; at instanceof Error && chain.length < MAX_CAUSES; at = at.cause) {
		chain.push(at);
		if (at instanceof AggregateError) chain.push(...at.errors.flatMap(causesOf));
	}
	return chain;
}

function addressOf(
	{ listen }: Config,
	error: NodeJS.ErrnoException & { readonly address?: string; readonly port?: number },
): string {
	return formatAddress(error.address === undefined ? listen : { host: error.address, port: error.port ?? listen.port });
}

import { timed } from './harness.ts';

export interface Transfer {
	/** as curl saw it, from the start of the request to the last byte */
	readonly seconds: number;
	/** to the first byte of the answer */
	readonly firstByteMs: number;
	/** bytes of the body received */
	readonly received: number;
	readonly status: number;
}

const FORMAT = '\\n%{http_code} %{time_total} %{time_starttransfer} %{size_download}';

export async function curl(args: readonly string[]): Promise<Transfer> {
	const { stdout } = await timed('curl', [
		'--silent',
		'--show-error',
		'--no-progress-meter',
		'-o',
		'/dev/null',
		'-w',
		FORMAT,
		...args,
	]);
	const [status, seconds, start, received] = (stdout.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
	if (status === undefined || seconds === undefined || start === undefined || received === undefined)
		throw new Error(`curl said ${stdout}`);
	return { status, seconds, firstByteMs: start * 1000, received };
}

export function expectStatus(transfer: Transfer, status: number): Transfer {
	if (transfer.status !== status) throw new Error(`${transfer.status} instead of ${status}`);
	return transfer;
}

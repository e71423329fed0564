/**
 * Requests whose end, or whose meaning, two readers might see differently. Each hides another request in what may or may
 * not be its body. RFC 9112 §2–§11; the known kinds of request smuggling.
 */

export interface MisframedRequest {
	readonly name: string;
	readonly bytes: Buffer;
	/**
	 * `refused`: an error, and the connection ends. `served`: answered like any other, and the connection goes on behind
	 * it. `ends`: whatever the answer, if any, the connection ends behind it.
	 */
	readonly outcome: 'refused' | 'served' | 'ends';
}

/** In the request that hides: whoever finds it in an answer has been fooled. */
export const HIDDEN_ID = 'req-hidden';

export interface Targets {
	readonly host: string;
	/** an image that the hidden request deletes */
	readonly victim: string;
}

export function misframedRequests({ host, victim }: Targets): readonly MisframedRequest[] {
	const hidden = `DELETE /v2/images/${victim} HTTP/1.1\r\nHost: ${host}\r\nX-Openstack-Request-Id: ${HIDDEN_ID}\r\n\r\n`;
	const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`;
	const make = (outcome: MisframedRequest['outcome'], name: string, text: string): MisframedRequest => ({
		name,
		outcome,
		bytes: Buffer.from(text, 'latin1'),
	});
	/** A creation with these header lines; the body is what one reader takes for the end of it. */
	const post = (lines: string, body: string) => `POST /v2/images HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n\r\n${body}`;
	const refused = (name: string, lines: string, body: string) => make('refused', name, post(lines, body));
	const served = (name: string, lines: string, body: string) => make('served', name, post(lines, body));

	/** `0` chunk at once for who reads chunks; everything for who reads a length. */
	const chunked = `0\r\n\r\n${hidden}`;
	const both = (coding: string) => `Content-Length: ${chunked.length}\r\n${coding}`;
	const hiddenLength = `Content-Length: ${hidden.length}`;

	return [
		refused('CL.TE: a length beside chunks', both('Transfer-Encoding: chunked'), chunked),
		refused('TE.CL: chunks beside a length', `Transfer-Encoding: chunked\r\nContent-Length: 4`, `${chunk(hidden)}0\r\n\r\n`),
		refused('CL.TE: a length of nothing', 'Content-Length: 0\r\nTransfer-Encoding: chunked', `${chunk(hidden)}0\r\n\r\n`),
		...[
			'Transfer-Encoding: xchunked',
			'Transfer-Encoding: chunked, identity',
			'Transfer-Encoding: identity, chunked',
			'Transfer-Encoding: gzip, chunked',
			'Transfer-Encoding: chunked, chunked',
			'Transfer-Encoding: chunked;q=1',
			'Transfer-Encoding: "chunked"',
			'Transfer-Encoding: chun ked',
			'Transfer-Encoding: identity',
			'Transfer-Encoding: gzip',
			'Transfer-Encoding:',
			'Transfer-Encoding: \x0bchunked',
			'Transfer-Encoding: chunked\x00',
			'Transfer-Encoding: chunked\xa0',
			'Transfer-Encoding : chunked',
			'Transfer-Encoding\t: chunked',
			'X: y\r\n Transfer-Encoding: chunked',
			'X: y\nTransfer-Encoding: chunked',
			'X: y\rTransfer-Encoding: chunked',
			'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
			'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
			'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
			'Transfer-Encoding:\r\n chunked',
		].flatMap((coding) => [
			refused(`TE.TE: ${JSON.stringify(coding)} alone`, coding, chunked),
			refused(`TE.TE: ${JSON.stringify(coding)} beside a length`, both(coding), chunked),
		]),
		served('an underscore makes another header', `Transfer_Encoding: chunked\r\n${hiddenLength}`, hidden),

		refused('CL.CL: two lengths', `Content-Length: 2\r\n${hiddenLength}`, hidden),
		refused('CL.CL: the same length twice', `${hiddenLength}\r\n${hiddenLength}`, hidden),
		refused('CL.CL: a list of lengths', `Content-Length: ${hidden.length}, ${hidden.length}`, hidden),
		...['+5', '-1', '0x5', '5 5', '1e1', '5;', '5,', '99999999999999999999999', '٣', '5\x00'].map((length) =>
			refused(`CL: ${JSON.stringify(length)}`, `Content-Length: ${length}`, hidden),
		),
		refused('CL: a name with a space', `Content-Length : ${hidden.length}`, hidden),
		refused('CL: folded', `Content-Length:\r\n ${hidden.length}`, hidden),
		refused('CL: behind a bare line feed', `X: y\nContent-Length: ${hidden.length}`, hidden),

		...['GET', 'DELETE', 'HEAD', 'PROPFIND'].map((method) =>
			make(
				'refused',
				`CL.0: ${method} with a body`,
				`${method} /v2/images/x HTTP/1.1\r\nHost: ${host}\r\n${hiddenLength}\r\n\r\n${hidden}`,
			),
		),
		...['GET', 'DELETE'].map((method) =>
			make(
				'refused',
				`TE.0: ${method} in chunks`,
				`${method} /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(hidden)}0\r\n\r\n`,
			),
		),
		...['/', '/versions', '/nothing', '/v2/nothing', '/healthcheck', '/v2/images/x/actions/deactivate'].map((path) =>
			make('ends', `CL.0: POST ${path}`, `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${hiddenLength}\r\n\r\n${hidden}`),
		),
		make('ends', 'CL.0: OPTIONS with a body', `OPTIONS /v2/images HTTP/1.1\r\nHost: ${host}\r\n${hiddenLength}\r\n\r\n${hidden}`),

		...['+2', '0x2', '-1', '2 2', 'FFFFFFFFFFFFFFFF1', '', 'g'].map((size) =>
			refused(`a chunk of size ${JSON.stringify(size)}`, 'Transfer-Encoding: chunked', `${size}\r\n{}\r\n0\r\n\r\n${hidden}`),
		),
		refused('a chunk longer than it says', 'Transfer-Encoding: chunked', `2\r\n{}xx\r\n0\r\n\r\n${hidden}`),
		refused('a chunk without its end', 'Transfer-Encoding: chunked', `2\r\n{}0\r\n\r\n${hidden}`),
		refused('a chunk size behind a bare line feed', 'Transfer-Encoding: chunked', `2\n{}\r\n0\r\n\r\n${hidden}`),
		refused('a chunk that ends with a bare line feed', 'Transfer-Encoding: chunked', `2\r\n{}\n0\r\n\r\n${hidden}`),
		refused('a chunk extension with a bare line feed', 'Transfer-Encoding: chunked', `2;a\nb\r\n{}\r\n0\r\n\r\n${hidden}`),
		refused('a chunk extension of 1 MiB', 'Transfer-Encoding: chunked', `2;${'x'.repeat(1 << 20)}\r\n{}\r\n0\r\n\r\n`),
		served('a chunk size with zeros before it', 'Transfer-Encoding: chunked', `0000002\r\n{}\r\n00\r\n\r\n`),
		served('a chunk with an extension', 'Transfer-Encoding: chunked', `2;a=b\r\n{}\r\n0;c="d"\r\n\r\n`),
		served('Chunked in capitals', 'Transfer-Encoding: CHUNKED', `2\r\n{}\r\n0\r\n\r\n`),
		served('trailers that name a host', 'Transfer-Encoding: chunked', `2\r\n{}\r\n0\r\nHost: evil\r\nX-Auth-Token: x\r\n\r\n`),
		refused(
			'a trailer that names a length',
			'Transfer-Encoding: chunked',
			`2\r\n{}\r\n0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
		),

		make('refused', 'two hosts', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nHost: evil\r\n\r\n`),
		make('refused', 'the same host twice', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}\r\n\r\n`),
		make('refused', 'no host', `GET /v2/images/x HTTP/1.1\r\nX: y\r\n\r\n`),
		make('served', 'a host that is none', `GET /v2/images/x HTTP/1.1\r\nHost: a b\r\n\r\n`),
		make('refused', 'bare line feeds everywhere', `GET /v2/images/x HTTP/1.1\nHost: ${host}\n\n`),
		make('refused', 'bare carriage returns', `GET /v2/images/x HTTP/1.1\rHost: ${host}\r\r`),
		make('refused', 'a null in a value', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nX: a\x00b\r\n\r\n`),
		make('refused', 'a null in a name', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nX\x00: a\r\n\r\n`),
		make('refused', 'a header without name', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\n: a\r\n\r\n`),
		make('refused', 'a line that is no header', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nnonsense\r\n\r\n`),
		make(
			'refused',
			'chunks in the old protocol',
			`POST /v2/images HTTP/1.0\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
		),
		make('refused', 'a version that there is not', `GET /v2/images/x HTTP/1.9\r\nHost: ${host}\r\n\r\n`),
		make('refused', 'the start of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`),
		make('refused', 'the oldest protocol', `GET /v2/images/x\r\n`),
		make('refused', 'a space in the path', `GET /v2/images/x y HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
		make('refused', 'a method in lower case', `get /v2/images/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
		make('served', 'an expectation that there is not', `GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nExpect: 200-maybe\r\n\r\n`),
		refused(
			'other codings behind an expectation that there is not',
			'Expect: 200-maybe\r\nTransfer-Encoding: gzip, chunked',
			chunked,
		),
		served('a body that did not wait for 100', `Expect: 100-continue\r\n${hiddenLength}`, hidden),
		make(
			'ends',
			'a change to HTTP/2 that nobody offered',
			`GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
		),
		make(
			'ends',
			'a change to web sockets that nobody offered',
			`GET /v2/images/x HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
		),
		make(
			'served',
			'a length named as hop by hop',
			`POST /v2/images HTTP/1.1\r\nHost: ${host}\r\nConnection: Content-Length\r\n${hiddenLength}\r\n\r\n${hidden}`,
		),
		make('ends', 'a body that never comes', post('Content-Length: 10', '{')),
		make('ends', 'a tunnel', `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
	];
}

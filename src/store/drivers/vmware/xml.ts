/**
 * As much XML as SOAP needs: elements, attributes, text, the five named entities and characters by number. There are no
 * document types, so nothing can be declared, fetched or multiplied; the text's length is the caller's limit.
 */
export interface XmlElement {
	/** without its prefix */
	readonly name: string;
	/** by their names as written: `xsi:type` is not `type` */
	readonly attributes: ReadonlyMap<string, string>;
	readonly children: readonly XmlElement[];
	/** of the element itself, without that of its children */
	readonly text: string;
}

export class XmlError extends Error {
	override readonly name = 'XmlError';
}

const MAX_DEPTH = 64;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
// biome-ignore lint/suspicious/noControlCharactersInRegex: these cannot be said in XML at all
const UNSPEAKABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

export function escapeXml(text: string): string {
	if (UNSPEAKABLE.test(text) || !text.isWellFormed()) throw new XmlError('a text holds characters that XML cannot carry');
	return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

interface Growing {
	readonly name: string;
	readonly tag: string;
	readonly attributes: Map<string, string>;
	readonly children: Growing[];
	text: string;
}

/** The document's one root. Throws `XmlError` for everything that is not well-formed, and for document types. */
export function readXml(text: string): XmlElement {
	const open: Growing[] = [];
	let root: Growing | undefined;
	const addText = (said: string) => {
		const last = open.at(-1);
		if (last !== undefined) last.text += said;
		else if (said.trim() !== '') throw new XmlError('text outside of the root');
	};
	for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; ) {
		const start = text.indexOf('<', at);
		if (start === -1) {
			addText(unescapeXml(text.slice(at)));
			break;
		}
		if (start > at) addText(unescapeXml(text.slice(at, start)));
		if (text.startsWith('<?', start)) at = after(text, '?>', start);
		else if (text.startsWith('<!--', start)) at = after(text, '-->', start + 4);
		else if (text.startsWith('<![CDATA[', start)) {
			at = after(text, ']]>', start);
			addText(text.slice(start + 9, at - 3));
		} else if (text.startsWith('<!', start)) throw new XmlError('a document type is not taken');
		else if (text.startsWith('</', start)) {
			at = after(text, '>', start);
			const closed = open.pop();
			if (closed === undefined || closed.tag !== text.slice(start + 2, at - 1).trimEnd())
				throw new XmlError('an end without its start');
		} else {
			const { element, end, empty } = startTag(text, start);
			at = end;
			if (open.length === MAX_DEPTH) throw new XmlError(`more than ${MAX_DEPTH} levels`);
			const parent = open.at(-1);
			if (parent !== undefined) parent.children.push(element);
			else if (root === undefined) root = element;
			else throw new XmlError('a second root');
			if (!empty) open.push(element);
		}
	}
	if (root === undefined || open.length > 0) throw new XmlError('the document ends before its end');
	return root;
}

function after(text: string, mark: string, from: number): number {
	const at = text.indexOf(mark, from);
	if (at === -1) throw new XmlError('the document ends before its end');
	return at + mark.length;
}

const NAME = /[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?/y;
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /\s*(\/?)>/y;

function startTag(text: string, start: number): { readonly element: Growing; readonly end: number; readonly empty: boolean } {
	const tag = matchAt(NAME, text, start + 1)?.[0];
	if (tag === undefined) throw new XmlError('a name is missing');
	let at = start + 1 + tag.length;
	const attributes = new Map<string, string>();
	for (;;) {
		const attribute = matchAt(ATTRIBUTE, text, at);
		if (attribute === null) break;
		const name = attribute[1]!;
		if (attributes.has(name)) throw new XmlError('an attribute is given twice');
		attributes.set(name, unescapeXml(attribute[2] ?? attribute[3] ?? ''));
		at += attribute[0].length;
	}
	const end = matchAt(TAG_END, text, at);
	if (end === null) throw new XmlError('a tag is not closed');
	const element = { name: tag.slice(tag.indexOf(':') + 1), tag, attributes, children: [], text: '' };
	return { element, end: at + end[0].length, empty: end[1] === '/' };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
	pattern.lastIndex = at;
	return pattern.exec(text);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
	if (!text.includes('&')) return text;
	return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-z]{2,4}));|&/g, (_, hex, decimal, name) => {
		if (name !== undefined && Object.hasOwn(NAMED, name)) return NAMED[name]!;
		const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
		if (!(code > 0 && code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) throw new XmlError('an entity is not known');
		return String.fromCodePoint(code);
	});
}

/** The children of that name, in order. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
	return element?.children.filter((child) => child.name === name) ?? [];
}

/** The first child of that name, and of that one's, and so on. */
export function childOf(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
	return names.reduce<XmlElement | undefined>((found, name) => found?.children.find((child) => child.name === name), element);
}

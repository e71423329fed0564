import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { childOf, escapeXml, readXml, XmlError } from '#store/drivers/vmware/xml.ts';

describe('the XML of vSphere answers', () => {
	it('gives back what was escaped', () => {
		for (const text of ['', `<&>"'`, ']]>', 'ä 💾\n', '&amp;', '$x'])
			assert.equal(childOf(readXml(`<a><b c="${escapeXml(text)}">${escapeXml(text)}</b></a>`), 'b')?.text, text);
	});

	it('reads prefixes, attributes, comments, CDATA and characters by number', () => {
		const root = readXml(
			'<?xml version="1.0"?>\n<s:a xsi:type="T" type=\'r\'><!-- <x> --><b/><![CDATA[<c>]]>&#65;&#x1F4BE;</s:a>\n',
		);
		assert.equal(root.name, 'a');
		assert.deepEqual(
			[...root.attributes],
			[
				['xsi:type', 'T'],
				['type', 'r'],
			],
		);
		assert.equal(root.text, '<c>A💾');
		assert.equal(root.children[0]?.name, 'b');
	});

	it('refuses what is not well-formed, and everything that declares', () => {
		for (const text of [
			'',
			' ',
			'text',
			'<a>',
			'</a>',
			'<a></b>',
			'<s:a></a>',
			'<a/><b/>',
			'<a/>x',
			'<a b="1" b="2"/>',
			'<a b=1/>',
			'<a b="<"/>',
			'<a',
			'<1/>',
			'<a>&e;</a>',
			'<a>&</a>',
			'<a>&#0;</a>',
			'<a>&#xD800;</a>',
			'<a>&#x110000;</a>',
			'<a><!-- </a>',
			'<a><![CDATA[ </a>',
			'<!DOCTYPE a><a/>',
			'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
			'<a>'.repeat(65) + '</a>'.repeat(65),
		])
			assert.throws(() => readXml(text), XmlError, text.slice(0, 40));
		assert.throws(() => escapeXml('\0'), XmlError);
		assert.throws(() => escapeXml('\ud800'), XmlError);
	});
});

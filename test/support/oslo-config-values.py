"""Reads texts of configuration files as JSON from standard input and prints what oslo.config makes of each."""
import json
import sys
import tempfile

from oslo_config import cfg, types

KINDS = {
    'text': cfg.StrOpt('text'),
    'other': cfg.StrOpt('other'),
    'int': cfg.IntOpt('int', min=-5, max=5000),
    'port': cfg.PortOpt('port'),
    'bool': cfg.BoolOpt('bool'),
    'list': cfg.ListOpt('list'),
    'bracketed': cfg.ListOpt('bracketed', item_type=types.String(quotes=True), bounds=True),
    'multi': cfg.MultiStrOpt('multi'),
    'dict': cfg.DictOpt('dict'),
    'host': cfg.HostAddressOpt('host'),
    'renamed': cfg.StrOpt('renamed', deprecated_opts=[cfg.DeprecatedOpt('former', group='DEFAULT')]),
}


def values(texts):
    conf = cfg.ConfigOpts()
    conf.register_opts(list(KINDS.values()))
    conf.register_opts(list(KINDS.values()), group='grp')
    with tempfile.TemporaryDirectory() as folder:
        args = []
        for number, text in enumerate(texts):
            path = '%s/%d.conf' % (folder, number)
            with open(path, 'w', newline='') as file:
                file.write(text)
            args += ['--config-file', path]
        try:
            conf(args, default_config_files=[], default_config_dirs=[])
        except Exception:
            return 'refused'
        return {g + '.' + n: value(conf, g, n) for g in ('DEFAULT', 'grp') for n in KINDS}


def value(conf, group, name):
    try:
        return getattr(conf if group == 'DEFAULT' else conf.grp, name)
    except Exception:
        return 'refused'


json.dump([values(texts) for texts in json.load(sys.stdin)], sys.stdout)

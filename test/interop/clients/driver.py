"""Runs commands of the official clients, many in one interpreter: loading them takes longer than what they do.

One JSON object a line on standard input: {"argv": ["openstack", "image", "list"], "env": {"OS_CLOUD": "demo"},
"input": null}; one a line on standard output: {"code": 0, "out": "...", "err": "..."}. "input" is what the command finds on its standard input, where null is a
terminal: both clients upload whatever anything else holds.
"""
import contextlib
import io
import json
import os
import sys
import traceback

from glanceclient import shell as glance
from openstackclient import shell as openstack
from osc_lib.clientmanager import ClientCache, ClientManager


def run_openstack(argv):
    # A client is kept by its class, and with it the first caller.
    for kept in [each for each in vars(ClientManager).values() if isinstance(each, ClientCache)]:
        kept._handle = None
    return openstack.main(argv)


def run_glance(argv):
    sys.argv = ['glance'] + argv
    glance.main()
    return 0


CLIENTS = {'openstack': run_openstack, 'glance': run_glance}


def keyboard(text):
    if text is not None:
        return io.TextIOWrapper(io.BytesIO(text.encode('latin-1')))
    _, terminal = os.openpty()
    return os.fdopen(terminal)


def captured():
    return io.TextIOWrapper(io.BytesIO(), encoding='utf-8', errors='replace', write_through=True)


def set_environment(variables):
    for name in [name for name in os.environ if name.startswith('OS_') and name != 'OS_CLIENT_CONFIG_FILE']:
        del os.environ[name]
    os.environ.update(variables)


def run(argv, text):
    out, err = captured(), captured()
    before = sys.stdin
    sys.stdin = keyboard(text)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = CLIENTS[argv[0]](argv[1:])
    except SystemExit as ended:
        code = ended.code
        if isinstance(code, str):
            err.write(code)
            code = 1
    except BaseException:
        traceback.print_exc(file=err)
        code = -1
    finally:
        sys.stdin.close()
        sys.stdin = before
    return {'code': int(code or 0), 'out': out.buffer.getvalue().decode(), 'err': err.buffer.getvalue().decode()}


def main():
    answers = os.fdopen(os.dup(1), 'w')
    for line in sys.stdin:
        command = json.loads(line)
        set_environment(command['env'])
        answers.write(json.dumps(run(command['argv'], command['input'])) + '\n')
        answers.flush()


main()

"""Answers questions of policy with oslo.policy itself: a JSON object a line in, `true`, `false` or `raises` a line out."""
import json
import logging
import sys
import warnings

from oslo_config import cfg
from oslo_policy import policy

logging.disable(logging.CRITICAL)
warnings.simplefilter('ignore')

conf = cfg.ConfigOpts()
conf([], project='sundog-test', default_config_files=[])
enforcer = policy.Enforcer(conf, use_conf=False)


def answer(question):
    rules = policy.Rules.from_dict(question['rules'])
    enforcer.set_rules(rules, overwrite=True, use_conf=False)
    # it only warns, and of recursion it makes an error of its own
    enforcer._need_check_rule = False
    return bool(enforcer.enforce(question['rule'], question['target'], question['credentials']))


for line in sys.stdin:
    try:
        print('true' if answer(json.loads(line)) else 'false')
    except Exception:
        print('raises')

"""Answers questions of policy with oslo.policy and Glance themselves: a JSON object a line in, a JSON value a line out.

{rules, rule, credentials, target}: true, false or "raises"
{newDefaults, rule, credentials, target}: the same, by the rules Glance registers; null for a name it does not have
{context}: what oslo.context makes of it for rules
"""
import json
import logging
import sys
import warnings

from oslo_config import cfg
from oslo_context import context
from oslo_policy import policy

logging.disable(logging.CRITICAL)
warnings.simplefilter('ignore')


def enforcer_of(settings):
    conf = cfg.ConfigOpts()
    conf([], project='sundog-test', default_config_files=[])
    enforcer = policy.Enforcer(conf, use_conf=False)
    for name, value in settings.items():
        conf.set_override(name, value, group='oslo_policy')
    return enforcer


def glance_enforcer(new_defaults):
    from glance import policies
    enforcer = enforcer_of({'enforce_new_defaults': new_defaults, 'enforce_scope': True})
    enforcer.register_defaults(policies.list_rules())
    # rules of code are put in place when files are read; there are none
    enforcer.load_rules(force_reload=True)
    return enforcer


plain = enforcer_of({})
glance = {}


def answer(question):
    if 'context' in question:
        return dict(context.RequestContext(**question['context']).to_policy_values())
    if 'newDefaults' in question:
        flag = question['newDefaults']
        enforcer = glance[flag] = glance.get(flag) or glance_enforcer(flag)
        if question['rule'] not in enforcer.registered_rules:
            return None
    else:
        enforcer = plain
        enforcer.set_rules(policy.Rules.from_dict(question['rules']), overwrite=True, use_conf=False)
        # it only warns, and of recursion it makes an error of its own
        enforcer._need_check_rule = False
    return bool(enforcer.enforce(question['rule'], question['target'], question['credentials']))


for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))))
    except Exception:
        print('"raises"')

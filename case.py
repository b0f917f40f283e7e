"""Checks a claim again: run this file, or read it by `dynlens.load_case`."""

from dynlens import *
claim = AtLeast('loss_0', 'loss')
case = Path(completion_problem(2), Start(0.3, kind='identity'), 10.0)

if __name__ == "__main__":
    print(claim.check(case))

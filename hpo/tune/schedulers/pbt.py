"""Population based training as a Ray TrialScheduler: the worst go on from the checkpoints of the best."""

from __future__ import annotations

from random import Random
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from hpo.space.space import SearchSpace
from hpo.sweepfile.population import Pbt, Population
from hpo.tune.population.explore import perturbed
from hpo.tune.population.members import Member, group_of, saved
from hpo.tune.population.ranking import donors, enough
from hpo.tune.schedulers.judging import Judging

NO_CHECKPOINT = (
    "{type}: trial {trial} reached iteration {iteration} without a checkpoint, so none takes over another's"
    " state; give one to hpo.report(metrics, checkpoint=state) and begin from hpo.get_checkpoint()"
)


class PopulationBased(Judging, TrialScheduler):
    """Jaderberg et al. 2017, asynchronous: trials are the population's members and never wait for each other.

    At each milestone a member is ranked among the newest values of its group. One at the bottom is answered
    with PAUSE; its `config` is then the changed copy of its donor's, and its `donor` the trial whose
    checkpoint of the milestone that was ranked it goes on from. Its own count of iterations goes on. Where
    trials have no slot yet, or wait for one with fewer iterations, a member that has a checkpoint pauses.

    What is drawn follows from the seed, the trial and the milestone, and so does not depend on what else ran.
    """

    clones = True
    """A controller is to keep the checkpoint of each trial's newest milestone."""

    def __init__(self, metric: str, mode: str, rule: Population, space: SearchSpace, seed: int = 0) -> None:
        TrialScheduler.__init__(self)
        self._judge_by(metric, mode)
        self.rule, self.space, self.seed = rule, space, seed
        self.members: dict[str, Member] = {}
        self.notes: list[str] = []
        """What is to be told to the user."""
        self._noted = False

    def on_trial_add(self, controller: Any, trial: Any) -> None:
        """A trial starts, perhaps once more."""
        group = group_of(trial.config, self.space, self.rule.group)
        self.members[trial.trial_id] = Member(trial, group)

    def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """At a milestone: take over another's state, make room, or go on."""
        reading = self._reading(result)
        if reading is None or not self._milestone(reading[0]):
            return str(TrialScheduler.CONTINUE)
        member, before = self.members[trial.trial_id], self.members[trial.trial_id].score
        member.iteration, member.score, member.own = *reading, True
        self.learn(member, before)
        donor = self._donor(controller, member)
        if donor is not None:
            draw = Random(f"hpo:pbt:explore:{self.seed}:{trial.trial_id}:{member.iteration}")
            trial.config = self.explore(member, donor, draw)
            trial.donor = donor.trial
            member.score, member.own = donor.score, False
            return str(TrialScheduler.PAUSE)
        return str(TrialScheduler.PAUSE if self._makes_room(controller, member) else TrialScheduler.CONTINUE)

    def leave(self, name: str) -> None:
        """A trial has ended in some way: it is no member any more."""
        self.members.pop(name, None)

    def learn(self, member: Member, before: float | None) -> None:
        """A member has come from a score to its present one; there is nothing to learn from that in PBT."""

    def explore(self, member: Member, donor: Member, draw: Random) -> dict[str, Any]:
        """The configuration that a member gets as a donor's clone."""
        share = self.rule.resample if isinstance(self.rule, Pbt) else 0.0
        return perturbed(donor.trial.config, self.space, self.rule.mutate, share, draw)

    def choose_trial_to_run(self, controller: Any) -> Any:
        """The waiting member with the fewest iterations; none while trials have yet to begin."""
        if _outlook(controller)[0]:
            return None
        waiting = [m for m in self.members.values() if m.trial.status == Trial.PAUSED]
        return min(waiting, key=lambda m: m.iteration).trial if waiting else None

    def on_trial_complete(self, controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A trial has ended."""
        self.leave(trial.trial_id)

    def on_trial_error(self, controller: Any, trial: Any) -> None:
        """A trial has failed for good."""
        self.leave(trial.trial_id)

    def on_trial_remove(self, controller: Any, trial: Any) -> None:
        """A trial is taken out."""
        self.leave(trial.trial_id)

    def debug_string(self) -> str:
        """For Tune's tables."""
        return f"{self.rule.type} of {len(self.members)} trials"

    def _milestone(self, iteration: int) -> bool:
        end = self.rule.max_iter
        return iteration % self.rule.interval == 0 and (end is None or iteration < end)

    def _donor(self, controller: Any, member: Member) -> Member | None:
        """Whom a member is to clone, if it is at the bottom of its group."""
        group = {name: one for name, one in self.members.items() if one.group == member.group}
        scores = {name: one.score for name, one in group.items() if one.score is not None}
        if not enough(len(scores), len(group) + _outlook(controller)[0], self.rule.quantile):
            return None
        better = donors(member.trial.trial_id, scores, self.rule.quantile)
        found = [group[name] for name in better if group[name].donates]
        if not found:
            for name in better[:1]:
                self._note(group[name])
            return None
        draw = Random(f"hpo:pbt:donor:{self.seed}:{member.trial.trial_id}:{member.iteration}")
        return draw.choice(found)

    def _makes_room(self, controller: Any, member: Member) -> bool:
        """Whether one that is behind waits for this member's slot, which can go on later."""
        to_come, free = _outlook(controller)
        behind = [m for m in self.members.values() if m.trial.status == Trial.PAUSED and m is not member]
        if to_come + sum(m.iteration < member.iteration for m in behind) <= free:
            return False
        if saved(member.trial) != member.iteration:
            self._note(member)
            return False
        return True

    def _note(self, member: Member) -> None:
        if not self._noted and not getattr(member.trial, "checkpointed", False):
            self._noted = True
            known = {"type": self.rule.type, "trial": member.trial.trial_id, "iteration": member.iteration}
            self.notes.append(NO_CHECKPOINT.format(**known))


def _outlook(controller: Any) -> tuple[int, int]:
    """How many trials have yet to begin, and how many slots are free."""
    outlook = getattr(controller, "outlook", None)
    return outlook() if outlook else (0, 0)

package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.tensor.exec.BoundPlan;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Guesses by a smaller model, which reads what the large one has taken and goes on from there. */
final class ModelGuesser implements Guesser {
    private final GenerationSession session;
    private final Guess.Model how;
    private final Rules rules;
    private final Processing processing;
    private final State[] states;
    private StepInputs inputs;

    /** What the model has read of a source and of its target. */
    private record State(BlockTable source, Sequence sequence) {
    }

    /**
     * Of a run.
     *
     * @param session of the smaller model
     * @param sources of the run
     * @throws IllegalArgumentException if the models do not fit each other, or a source is too long for the smaller one
     */
    ModelGuesser(GenerationSession session, Guess.Model how, Rules rules, List<Source> sources) {
        if (how.model().tokens().vocabSize() != rules.vocabSize) {
            throw new IllegalArgumentException("the assistant's vocabulary has " + how.model().tokens().vocabSize()
                    + " tokens, the model's " + rules.vocabSize + ": they must be the same");
        }
        if (sources.stream().anyMatch(source -> source.ids() == null)) {
            throw new IllegalArgumentException("an assistant needs sources of tokens");
        }
        SourceChecks.check(sources.stream().map(source -> new Source.Tokens(source.ids())).toList(), how.model());
        this.session = session;
        this.how = how;
        this.rules = rules;
        this.processing = new Processing(rules, session.stepRows());
        this.states = new State[sources.size()];
    }

    @Override
    public int guess(Sequence sequence, int room) {
        int most = Math.min(Math.min(how.tokens(), room), how.model().tokens().maxPositions() - sequence.length);
        if (most < 1) {
            return 0;
        }
        session.enter();
        try {
            State state = state(sequence);
            Sequence own = state.sequence;
            own.follow(sequence);
            int count = 0;
            boolean sure = true;
            while (count < most && sure) {
                sure = next(state, sequence.sourceLength());
                sequence.ids[sequence.length + count++] = own.ids[own.length - 1];
            }
            return count;
        } finally {
            session.exit();
        }
    }

    private State state(Sequence sequence) {
        int source = sequence.source();
        if (states[source] == null) {
            states[source] = new State(session.pool().takeSource(), session.pool().takeSequence());
            states[source].sequence.start(sequence.target, 0, 0);
            session.encode(List.of(new Source.Tokens(sequence.target.sourceIds())), List.of(states[source].source),
                    sequence.sourceLength());
        }
        return states[source];
    }

    /** Reads what is not read yet and appends the best token; whether its probability is high enough for another. */
    private boolean next(State state, int sourceLength) {
        Sequence own = state.sequence;
        BoundPlan plan = null;
        while (own.fed < own.length) {
            int count = Math.min(own.length - own.fed, session.stepRows());
            plan = session.step(count);
            if (inputs == null || inputs.plan() != plan) {
                inputs = StepInputs.of(plan, how.model());
            }
            for (int i = 0; i < count; i++) {
                // The last one first: its scores are wanted.
                inputs.put((i + 1) % count, own, own.fed + i, state.source, sourceLength);
            }
            inputs.clearFrom(count);
            plan.execute();
            own.fed += count;
        }
        MemorySegment logits = plan.output(GenerativeModel.LOGITS).segment();
        Logits ranking = session.ranking(1);
        ranking.logSumExp(logits, 1);
        processing.process(logits, ranking, 0, own);
        float normalizer = processing.normalizers(logits, ranking, 1)[0];
        ranking.topK(logits, 1, 1);
        own.append(ranking.index(0, 0), 0);
        return Math.exp(ranking.value(0, 0) - normalizer) >= how.confidence();
    }

    @Override
    public void end(int source) {
        if (states[source] != null && !session.isClosed()) {
            session.pool().giveBack(states[source].sequence);
            session.pool().giveBack(states[source].source);
        }
        states[source] = null;
    }

    @Override
    public void close() {
        for (int i = 0; i < states.length; i++) {
            end(i);
        }
    }
}

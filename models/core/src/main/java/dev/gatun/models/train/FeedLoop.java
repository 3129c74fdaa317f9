package dev.gatun.models.train;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;

/** Steps and scores over a feed's batches; output rows without an example have the label that does not count. */
final class FeedLoop {
    private static final int IGNORED = -100;

    private final Fit.Feed feed;
    private final int batch;
    private final Arena arena;
    private final Tensor targets;

    FeedLoop(Arena arena, Fit.Feed feed, int batch) {
        this.arena = arena;
        this.feed = feed;
        this.batch = batch;
        this.targets = Tensor.allocate(arena, TensorDesc.of(DataType.S32, feed.rows()));
    }

    /** The mean loss of an epoch over examples, which are shuffled. */
    double learn(Trainer trainer, int[] examples, long seed) {
        Random random = new Random(seed);
        for (int i = examples.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int kept = examples[i];
            examples[i] = examples[j];
            examples[j] = kept;
        }
        double sum = 0;
        for (int from = 0; from < examples.length; from += batch) {
            int[] some = Arrays.copyOfRange(examples, from, Math.min(examples.length, from + batch));
            sum += some.length * trainer.step(feed.inputs(some), targets(some));
        }
        return sum / examples.length;
    }

    private Tensor targets(int[] examples) {
        for (int i = 0; i < feed.rows(); i++) {
            targets.setInt(i, i < examples.length ? feed.labels().getInt(examples[i]) : IGNORED);
        }
        return targets;
    }

    Trainer.Score score(Trainer trainer, int[] examples) {
        double loss = 0;
        int right = 0;
        Tensor gradient = null;
        for (int from = 0; from < examples.length; from += batch) {
            int[] some = Arrays.copyOfRange(examples, from, Math.min(examples.length, from + batch));
            Tensor outputs = trainer.predict(feed.inputs(some));
            gradient = gradient == null ? Tensor.allocate(arena, outputs.desc()) : gradient;
            Tensor labels = targets(some);
            loss += some.length * new Loss.CrossEntropy().compute(outputs, labels, gradient);
            right += Trainer.right(outputs, labels);
        }
        return new Trainer.Score(loss / examples.length, (double) right / examples.length);
    }
}

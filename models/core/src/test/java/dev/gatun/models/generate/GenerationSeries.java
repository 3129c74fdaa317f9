package dev.gatun.models.generate;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.task.translate.Translator;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.ResidentMemory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;

/**
 * Generates 10,000 times from sources of random lengths, by every search; half of it is not heard to its end: cancelled by the listener, by
 * an interrupt, closed after some steps, streams left after some tokens. See {@link SteadyStateTest}.
 */
final class GenerationSeries {
    private static final int EACH = 250;

    private final Random random = new Random(17);
    private final GenerationSession session;
    private final Translator translator;

    private GenerationSeries(GenerationSession session, Translator translator) {
        this.session = session;
        this.translator = translator;
    }

    public static void main(String[] args) throws IOException {
        try (Seq2SeqModel model = Seq2SeqModel.load(Goldens.path("transformer/token/tied-sinusoidal-post-relu"));
                GenerationSession session = new GenerationSession(model, 1);
                Translator translator = Translator.load(Goldens.path("seq2seq-tasks/marian"), 1)) {
            GenerationSeries series = new GenerationSeries(session, translator);
            long warm = 0;
            for (int report = 0; report < 40; report++) {
                for (int done = 0; done < EACH; ) {
                    done += series.some(EACH - done);
                    check(session.cacheBytesInUse() == 0, "a generation that ended holds " + session.cacheBytesInUse() + " bytes of cache");
                }
                long held = session.nativeByteSize() + translator.nativeByteSize();
                warm = report < 10 ? held : warm;
                check(held <= warm * 1.1, "native memory grew from " + warm + " bytes to " + held);
                ResidentMemory.print();
            }
        }
    }

    private static void check(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }

    /** Some generations, so many at most; how many. */
    private int some(int most) {
        int kind = random.nextInt(8);
        int count = kind > 5 ? 1 : Math.min(most, 1 + random.nextInt(25));
        List<int[]> sources = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sources.add(random.ints(1 + random.nextInt(40), 3, 37).toArray());
        }
        GenerationOptions options = options();
        switch (kind) {
            case 4 -> session.generate(sources, options, (source, sequence, token) -> random.nextInt(8) > 0);
            case 5 -> interrupted(sources, options);
            case 6 -> {
                try (Stream<Integer> stream = session.stream(sources.getFirst(), options)) {
                    stream.limit(random.nextInt(6)).forEach(token -> { });
                }
            }
            case 7 -> {
                // The only worker: were it not given back, the next would wait for ever.
                GenerationOptions few = GenerationOptions.builder().maxLength(9).build();
                try (Stream<String> pieces = translator.stream(">>deu<< The quick brown fox jumps", few)) {
                    pieces.limit(random.nextInt(4)).forEach(piece -> { });
                }
            }
            case 3 -> {
                try (GenerationRun run = session.start(sources, options, TokenListener.NONE)) {
                    for (int steps = random.nextInt(6); steps > 0 && run.step(); steps--) { }
                }
            }
            default -> session.generate(sources, options);
        }
        return count;
    }

    private GenerationOptions options() {
        GenerationOptions.Builder options = GenerationOptions.builder().maxLength(2 + random.nextInt(20));
        int beams = 1 + random.nextInt(4);
        return switch (random.nextInt(4)) {
            case 0 -> options.numBeams(2 * beams).beamGroups(2, 0.5).build();
            case 1 -> options.doSample(true).topK(5).numReturnSequences(beams).seed(random.nextLong()).build();
            case 2 -> options.guess(new Guess.Lookup(3, 1)).build();
            default -> options.numBeams(beams).build();
        };
    }

    private void interrupted(List<int[]> sources, GenerationOptions options) {
        try {
            session.generate(sources, options, (source, sequence, token) -> {
                if (random.nextInt(12) == 0) {
                    Thread.currentThread().interrupt();
                }
                return true;
            });
        } catch (CancellationException expected) {
            // It ends where it is.
        }
        Thread.interrupted();
    }
}

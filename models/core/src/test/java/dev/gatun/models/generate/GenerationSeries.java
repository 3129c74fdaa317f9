package dev.gatun.models.generate;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.ResidentMemory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Generates 10,000 times from sources of random lengths, greedily and with beams; see {@link SteadyStateTest}. */
final class GenerationSeries {
    private GenerationSeries() {
    }

    public static void main(String[] args) throws IOException {
        Random random = new Random(17);
        try (Seq2SeqModel model = Seq2SeqModel.load(Goldens.path("transformer/token/tied-sinusoidal-post-relu"));
             GenerationSession session = new GenerationSession(model, 1)) {
            for (int report = 0; report < 40; report++) {
                for (int done = 0; done < 250; ) {
                    int count = Math.min(250 - done, 1 + random.nextInt(25));
                    List<int[]> sources = new ArrayList<>();
                    for (int i = 0; i < count; i++) {
                        sources.add(random.ints(1 + random.nextInt(40), 3, 37).toArray());
                    }
                    session.generate(sources, GenerationOptions.builder().numBeams(1 + random.nextInt(4)).maxLength(2 + random.nextInt(20))
                            .build());
                    done += count;
                }
                ResidentMemory.print();
            }
        }
    }
}

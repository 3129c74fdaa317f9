package dev.gatun.cli;

import dev.gatun.models.family.recurrent.RecurrentSession;
import dev.gatun.models.family.recurrent.RnnLanguageModel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Random tokens go on in streams of a recurrent language model: a request is so many of each. */
record LanguageClient(RecurrentSession session, int[] lengths) implements BenchModelLoad.Client {

    static LanguageClient of(RnnLanguageModel model, int streams, int tokens, int threads) {
        int[] lengths = new int[streams];
        Arrays.fill(lengths, tokens);
        LanguageClient client = new LanguageClient(model.newSession(streams, threads), lengths);
        MemorySegment ids = client.session.chunk(lengths).input(RnnLanguageModel.IDS).segment();
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < ids.byteSize() / Integer.BYTES; i++) {
            ids.setAtIndex(ValueLayout.JAVA_INT, i, random.nextInt(model.config().vocabSize()));
        }
        return client;
    }

    @Override
    public void request() {
        session.execute();
    }

    @Override
    public void close() {
        session.close();
    }
}

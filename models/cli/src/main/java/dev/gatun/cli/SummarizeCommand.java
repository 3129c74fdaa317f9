package dev.gatun.cli;

import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.seq2seq.EncoderDecoder;
import dev.gatun.models.task.summarize.Summarizer;
import dev.gatun.models.task.summarize.SummarizerOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Texts to shorter ones. */
@Command(name = "summarize", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Summarize texts by a model from text to text (BART, Pegasus, T5): arguments, lines of a file or of standard input, "
                + "or whole files. Long texts are cut at sentences; a line out for each text, in order, "
                + "with spaces for line breaks. Progress goes to standard error.")
final class SummarizeCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Mixin
    LineOptions lines;

    @Option(names = "--file", paramLabel = "FILE", description = "A UTF-8 file that is one text; may be given several times.")
    List<Path> files = List.of();

    @Option(names = "--prefix", paramLabel = "WORDS", description = "Before each text, as in 'summarize: ' of a T5. Default: as the folder "
            + "says.")
    String prefix;

    @Mixin
    LineJob job;

    @Mixin
    BeamOptions search;

    @Override
    public Integer call() throws IOException {
        search.check();
        List<String> texts = new ArrayList<>(lines.texts == null ? List.of() : lines.texts);
        for (Path file : files) {
            texts.add(Utf8Lines.whole(file.toString()));
        }
        job.check(texts.isEmpty());
        SummarizerOptions loading = new SummarizerOptions(options.threads, options.maxTokens, prefix,
                PrecisionOption.parse(options.command, options.precision));
        try (EncoderDecoder assistant = search.assistant(); Summarizer summarizer = Summarizer.load(options.model, loading)) {
            GenerationOptions how = search.of(summarizer.generation(), 1, false, summarizer.maxPositions(), assistant);
            job.check(how);
            job.run(texts, lines.input, false, (batch, first, out) -> {
                List<String> found = summarizer.summarize(batch, how);
                for (int i = 0; i < batch.size(); i++) {
                    out.println(options.json ? TaskOptions.json("text", batch.get(i), "summary", found.get(i)) : found.get(i));
                }
            });
        }
        return 0;
    }
}

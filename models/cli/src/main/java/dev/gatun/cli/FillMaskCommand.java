package dev.gatun.cli;

import dev.gatun.models.task.text.FillMask;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Words for masks. */
@Command(name = "fill-mask", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the words that fit best where each text has the model's mask, as [MASK] or <mask>: line, number of the mask, "
                + "score, word.")
final class FillMaskCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Mixin
    LineOptions lines;

    @Option(names = "--top", converter = Least.One.class, paramLabel = "K",
            description = "How many words for each mask. Default: ${DEFAULT-VALUE}.")
    int top = 5;

    @Override
    public Integer call() throws IOException {
        try (FillMask filler = FillMask.load(options.model, options.checked())) {
            lines.each(options, (texts, first) -> {
                List<List<List<FillMask.Fill>>> found = filler.fill(texts, top);
                for (int i = 0; i < texts.size(); i++) {
                    if (options.json) {
                        options.print("text", texts.get(i), "masks", found.get(i));
                        continue;
                    }
                    for (int mask = 0; mask < found.get(i).size(); mask++) {
                        for (FillMask.Fill fill : found.get(i).get(mask)) {
                            options.out().printf(Locale.ROOT, "%d\t%d\t%.4f\t%s%n", first + i, mask + 1, fill.score(), fill.text());
                        }
                    }
                }
            });
        }
        return 0;
    }
}

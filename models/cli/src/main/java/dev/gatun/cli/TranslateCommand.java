package dev.gatun.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.seq2seq.EncoderDecoder;
import dev.gatun.models.task.translate.Translation;
import dev.gatun.models.task.translate.Translator;
import dev.gatun.models.task.translate.TranslatorOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lines to lines with a token model. */
@Command(name = "translate", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Translate texts, a line out for each line in, in order; an empty line stays empty, line breaks of an answer "
                + "become spaces. With --model: a folder of "
                + "Hugging Face's as downloaded (MarianMT, mBART, M2M100, NLLB, T5); long texts are cut at sentences. Without --model: "
                + "written dates to ISO 8601, each after its language, as in '<en> March 3rd, 2021', '<de> 3. M\u00e4rz 2021' or "
                + "'<fr> mercredi 3 mars 2021'. Progress goes to standard error.")
final class TranslateCommand implements Callable<Integer> {
    @Parameters(arity = "0..*", paramLabel = "TEXT", description = "Texts to translate, instead of --input.")
    List<String> texts = List.of();

    @Option(names = "--model", paramLabel = "DIR", description = "A Hugging Face folder, or one with config.json (architecture "
            + "seq2seq-transformer), model.safetensors and vocabulary.json. Default: the date translator.")
    Path model;

    @Option(names = "--src", paramLabel = "CODE", description = "Language of the texts, as the model calls it: en, en_XX, eng_Latn. "
            + "Default: as the folder says.")
    String source;

    @Option(names = "--tgt", paramLabel = "CODE", description = "Language to translate to, as the model calls it. Default: as the folder "
            + "says.")
    String target;

    @Option(names = "--prefix", paramLabel = "WORDS", description = "Before each text, as in 'translate English to German: ' of a T5.")
    String prefix;

    @Option(names = "--max-tokens", converter = Least.Zero.class, paramLabel = "N",
            description = "Where longer texts are cut at sentences. Default: at what the model "
            + "reads at most.")
    int maxTokens;

    @Option(names = "--input", paramLabel = "FILE",
            description = "UTF-8 text, one a line; - is standard input, and the default without TEXT.")
    String input;

    @Mixin
    LineJob job;

    @Mixin
    BeamOptions search;

    @Option(names = "--n-best", converter = Least.One.class, paramLabel = "K",
            description = "Print the K best answers, each as score, tab, text.")
    int nBest;

    @Option(names = "--stream", description = "Print each character as soon as it is known.")
    boolean stream;

    @Option(names = "--json", description = "Print one JSON object a line: source, and translations with text and score.")
    boolean json;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "In what linear layers are kept and computed; auto: as the file has them. Default: ${DEFAULT-VALUE}.")
    String precision = "f32";

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        search.check();
        require(model != null || source == null && target == null && prefix == null && maxTokens == 0,
                "--src, --tgt, --prefix and --max-tokens need --model");
        require(texts.isEmpty() || input == null, "give TEXT or --input, not both");
        require(!stream || (search.beams == null || search.beams == 1) && nBest <= 1 && !json,
                "--stream excludes --beams, --n-best and --json: they need whole answers");
        require(job.output == null || !stream, "--stream writes to standard output");
        job.check(input != null && (nBest <= 1 || json));
        TranslatorOptions how = new TranslatorOptions(threads, source, target, maxTokens, prefix,
                PrecisionOption.parse(spec, precision));
        try (EncoderDecoder assistant = search.assistant();
                Translator translator = model == null ? Translator.load(how) : Translator.load(model, how)) {
            GenerationOptions options = search.of(translator.options(), Math.max(1, nBest), stream,
                    translator.model().tokens().maxPositions(), assistant);
            job.check(options);
            job.run(texts, input == null ? "-" : input, stream, (lines, first, out) -> translate(translator, lines, options, first, out));
        }
        return 0;
    }

    private void require(boolean condition, String message) {
        if (!condition) {
            throw new CommandLine.ParameterException(spec.commandLine(), message);
        }
    }

    private void translate(Translator translator, List<String> batch, GenerationOptions options, long firstLine,
            LineJob.Out out) throws IOException {
        for (int i = 0; i < batch.size(); i++) {
            translator.check("line " + (firstLine + i), batch.get(i));
        }
        if (stream) {
            batch.forEach(line -> stream(translator, line, options));
            return;
        }
        List<List<Translation>> found = translator.translate(batch, options);
        for (int i = 0; i < batch.size(); i++) {
            print(batch.get(i), found.get(i), out);
        }
    }

    private void stream(Translator translator, String line, GenerationOptions options) {
        PrintWriter out = spec.commandLine().getOut();
        try (Stream<String> pieces = translator.stream(line, options)) {
            pieces.forEach(piece -> {
                out.print(piece);
                out.flush();
            });
        }
        out.println();
    }

    private void print(String source, List<Translation> found, LineJob.Out out) throws IOException {
        if (json) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("source", source);
            line.put("translations", found);
            out.println(new ObjectMapper().writeValueAsString(line));
        } else if (nBest > 0) {
            for (Translation translation : found) {
                out.println(String.format(java.util.Locale.ROOT, "%.6f\t%s", translation.score(), translation.text()));
            }
        } else {
            out.println(found.getFirst().text());
        }
    }
}

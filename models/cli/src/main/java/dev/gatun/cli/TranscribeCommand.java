package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.family.whisper.WhisperOptions;
import dev.gatun.models.task.speech.SpeechListener;
import dev.gatun.models.task.speech.SpeechRecognizer;
import dev.gatun.models.task.speech.Transcript;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Recordings to text. */
@Command(name = "transcribe", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Write down what is said in recordings (WAV, FLAC, Ogg Vorbis, MP3) of any length, by a Whisper model. A file that "
                + "cannot be read is reported, and the rest go on; then the exit code is 1.")
final class TranscribeCommand implements Callable<Integer> {
    enum Task { transcribe, translate }

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "A Hugging Face folder of a Whisper model: config.json, "
            + "generation_config.json, preprocessor_config.json, model.safetensors, tokenizer.json.")
    Path model;

    @Option(names = "--language", paramLabel = "CODE", description = "The language spoken, as de or German. Default: it is detected.")
    String language;

    @Option(names = "--task", description = "${COMPLETION-CANDIDATES}; the latter into English. Default: transcribe.")
    Task task;

    @Option(names = "--timestamps", description = "With txt: the seconds before each segment.")
    boolean timestamps;

    @Option(names = "--words", description = "With json: the time of each word.")
    boolean words;

    @Option(names = "--format", description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    TranscriptFormat format = TranscriptFormat.txt;

    @Option(names = "--temperature", split = ",", paramLabel = "T", description = "Temperatures that are tried one after the other until "
            + "a window's text is good enough. Default: 0,0.2,0.4,0.6,0.8,1.")
    double[] temperatures;

    @Option(names = "--beams", paramLabel = "N", description = "Texts that are written side by side at temperature 0; the likeliest "
            + "counts. Default: the model's own.")
    int beams;

    @Option(names = "--condition", description = "Let the model see what it wrote before.")
    boolean condition;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "As if this had been said before: names and spellings to come.")
    String prompt;

    @Option(names = "--min-level", paramLabel = "DB", description = "Do not listen where it is quieter than so many decibels, as -60.")
    double minLevel = Double.NEGATIVE_INFINITY;

    @Option(names = "--seed", paramLabel = "N", description = "Of what is drawn at temperatures above 0. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "N",
            description = "Cores to use. Default: all that the container may use.")
    int threads = ThreadCount.usual();

    @Parameters(arity = "1..*", paramLabel = "AUDIO", description = "Recordings.")
    List<Path> recordings;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (words && format != TranscriptFormat.json) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--words needs --format json");
        }
        PrintWriter out = spec.commandLine().getOut();
        Progress progress = new Progress(spec.commandLine().getErr(), "seconds of audio");
        int bad = 0;
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(model, threads)) {
            WhisperOptions options = prompt == null ? options() : options().withPrompt(recognizer.prompt(prompt));
            for (Path recording : recordings) {
                try {
                    Transcript transcript = recognizer.transcribe(recording, options, listener(progress, out));
                    format.print(out, recording, transcript, recordings.size() > 1, timestamps);
                } catch (IOException e) {
                    bad++;
                    spec.commandLine().getErr().println("gatun: " + e.getMessage());
                }
                out.flush();
            }
        }
        progress.finish();
        return bad == 0 ? 0 : 1;
    }

    private WhisperOptions options() {
        WhisperOptions options = WhisperOptions.defaults().withLanguage(language).withTimes(true, words).withPrevious(condition)
                .withMinLevel(minLevel).withSeed(seed).withBeams(beams);
        options = task == null ? options : options.withTask(task == Task.translate);
        return temperatures == null ? options : options.withFallback(temperatures, options.compressionThreshold(),
                options.logProbThreshold(), options.noSpeechThreshold());
    }

    /** Segments of a single recording are printed as they come. */
    private SpeechListener listener(Progress progress, PrintWriter out) {
        return new SpeechListener() {
            private double done;

            @Override
            public void onSegment(Transcript.Segment segment) {
                if (recordings.size() == 1 && format == TranscriptFormat.txt) {
                    TranscriptFormat.line(out, segment, timestamps);
                    out.flush();
                }
            }

            @Override
            public boolean onProgress(double seconds) {
                progress.add((long) seconds - (long) done);
                done = seconds;
                return true;
            }
        };
    }

    static String clock(double seconds, char point) {
        long millis = Math.round(seconds * 1000);
        return String.format(Locale.ROOT, "%02d:%02d:%02d%c%03d", millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, point,
                millis % 1000);
    }
}

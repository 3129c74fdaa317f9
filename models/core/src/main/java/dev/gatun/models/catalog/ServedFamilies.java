package dev.gatun.models.catalog;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Families;
import dev.gatun.models.checkpoint.Family;
import dev.gatun.models.checkpoint.LoadOptions;
import dev.gatun.models.family.recurrent.RnnConfig;
import dev.gatun.models.family.recurrent.SequenceConfig;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.family.vit.Vit;
import dev.gatun.models.family.whisper.WhisperModel;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.registry.Seq2Seqs;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.language.Forecaster;
import dev.gatun.models.task.language.LanguageModel;
import dev.gatun.models.task.language.SequenceTagger;
import dev.gatun.models.task.speech.SpeechRecognizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Every family that Gatun serves. */
public final class ServedFamilies {
    private static final String TOKEN_MODEL = "seq2seq-transformer";
    static final String TOKEN_MODEL_FAMILY = "token model";
    private static final String TEXTBOOK_CNN = "textbook-cnn";

    /** In the order in which they are asked. */
    public static final Families ALL = new Families(Stream.of(Seq2Seqs.ALL.stream(), Encoders.ALL.stream(), Stream.<Family<?>>of(
            new Served<>(ResNet.HUB, List.of(ResNet.HUB, "ResNetForImageClassification", "resnet18", "resnet34", "resnet50", "resnet101",
                    "resnet152"), ServedFamilies::isResNet,
                    (c, options) -> ImageClassifier.load(path(c), new ClassifierOptions(options.threads(), options.checkWeights()))),
            new Served<>(TEXTBOOK_CNN, List.of(TEXTBOOK_CNN), ServedFamilies::isTextbookCnn,
                    (c, options) -> ImageClassifier.load(path(c), new ClassifierOptions(options.threads(), options.checkWeights()))),
            new Served<>("vit", Stream.concat(Vit.MODEL_TYPES.stream(), Vit.ARCHITECTURES.stream()).toList(),
                    c -> Vit.MODEL_TYPES.contains(c.modelType()),
                    (c, options) -> ImageClassifier.load(path(c), new ClassifierOptions(options.threads(), options.checkWeights()))),
            new Served<>(WhisperModel.MODEL_TYPE, List.of(WhisperModel.MODEL_TYPE, WhisperModel.ARCHITECTURE),
                    c -> c.modelType().equals(WhisperModel.MODEL_TYPE),
                    (c, options) -> SpeechRecognizer.load(c.folder(), options.threads())),
            new Served<>(TOKEN_MODEL_FAMILY, List.of(TOKEN_MODEL), c -> c.architectures().contains(TOKEN_MODEL),
                    (c, options) -> Seq2SeqModel.load(c.folder())),
            new Served<>(RnnConfig.ARCHITECTURE, List.of(RnnConfig.ARCHITECTURE), c -> c.architectures().contains(RnnConfig.ARCHITECTURE),
                    (c, options) -> LanguageModel.load(c.folder(), options.threads())),
            new Served<>(SequenceConfig.TAGGER, List.of(SequenceConfig.TAGGER), c -> c.architectures().contains(SequenceConfig.TAGGER),
                    (c, options) -> SequenceTagger.load(c.folder(), options.threads())),
            new Served<>(SequenceConfig.FORECASTER, List.of(SequenceConfig.FORECASTER),
                    c -> c.architectures().contains(SequenceConfig.FORECASTER),
                    (c, options) -> Forecaster.load(c.folder(), options.threads())))).<Family<?>>flatMap(all -> all).toList());

    private ServedFamilies() {
    }

    private record Served<M>(String name, List<String> words, Predicate<Checkpoint> claim, BiFunction<Checkpoint, LoadOptions, M> loader)
            implements Family<M> {
        @Override
        public boolean claims(Checkpoint checkpoint) {
            return claim.test(checkpoint);
        }

        @Override
        public M load(Checkpoint checkpoint, LoadOptions options) {
            return loader.apply(checkpoint, options);
        }
    }

    private static Path path(Checkpoint checkpoint) {
        return Files.isDirectory(checkpoint.origin()) ? checkpoint.folder() : checkpoint.origin();
    }

    private static boolean isResNet(Checkpoint checkpoint) {
        List<String> architectures = checkpoint.architectures();
        return architectures.isEmpty() && checkpoint.modelType().isEmpty() ? has(checkpoint, "layer1.0.conv1.weight")
                : checkpoint.modelType().equals(ResNet.HUB) || architectures.stream().anyMatch(ResNetConfig::isKnown);
    }

    private static boolean isTextbookCnn(Checkpoint checkpoint) {
        List<String> architectures = checkpoint.architectures();
        return architectures.isEmpty() && checkpoint.modelType().isEmpty() ? has(checkpoint, "conv2.weight")
                && has(checkpoint, "fc2.weight")
                : architectures.contains(TEXTBOOK_CNN);
    }

    private static boolean has(Checkpoint checkpoint, String tensor) {
        return checkpoint.tensors().keySet().stream().anyMatch(name -> name.equals(tensor) || name.endsWith("." + tensor));
    }
}

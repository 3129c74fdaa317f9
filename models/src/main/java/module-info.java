/** Models assembled from fused native operations, their files, and the {@code gatun} command. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"})
module dev.gatun.models {
    requires transitive dev.gatun.tensor;
    requires com.fasterxml.jackson.databind;
    requires com.google.protobuf;
    requires info.picocli;
    requires ai.djl.tokenizers;
    requires java.desktop;
    requires metadata.extractor;
    // What DJL, an automatic module, needs without saying so.
    requires com.google.gson;
    requires org.slf4j;

    exports dev.gatun.models.bert;
    exports dev.gatun.models.embedding;
    exports dev.gatun.models.generation;
    exports dev.gatun.models.image;
    exports dev.gatun.models.io;
    exports dev.gatun.models.text;
    exports dev.gatun.models.classify;
    exports dev.gatun.models.cnn;
    exports dev.gatun.models.resnet;
    exports dev.gatun.models.vision;
    exports dev.gatun.models.transformer;
    exports dev.gatun.models.translate;
    exports dev.gatun.models.weights;

    opens dev.gatun.models.cli to info.picocli;
}

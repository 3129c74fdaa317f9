/** Models assembled from fused native operations, and their files. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"})
module dev.gatun.models {
    requires transitive dev.gatun.tensor;
    requires com.fasterxml.jackson.databind;
    requires com.google.protobuf;
    requires ai.djl.tokenizers;
    requires java.desktop;
    requires jdk.jfr;
    requires metadata.extractor;
    requires static jflac.codec;
    requires static jlayer;
    requires static jorbis;

    exports dev.gatun.models.audio;
    exports dev.gatun.models.catalog;
    exports dev.gatun.models.checkpoint;
    exports dev.gatun.models.encode;
    exports dev.gatun.models.family.bert;
    exports dev.gatun.models.family.cnn;
    exports dev.gatun.models.family.recurrent;
    exports dev.gatun.models.family.resnet;
    exports dev.gatun.models.family.transformer;
    exports dev.gatun.models.family.whisper;
    exports dev.gatun.models.generate;
    exports dev.gatun.models.generate.logits;
    exports dev.gatun.models.generate.sample;
    exports dev.gatun.models.hub;
    exports dev.gatun.models.image;
    exports dev.gatun.models.io;
    exports dev.gatun.models.layer;
    exports dev.gatun.models.onnx;
    exports dev.gatun.models.registry;
    exports dev.gatun.models.runtime;
    exports dev.gatun.models.seq2seq;
    exports dev.gatun.models.task.classify;
    exports dev.gatun.models.task.embed;
    exports dev.gatun.models.task.language;
    exports dev.gatun.models.task.speech;
    exports dev.gatun.models.task.summarize;
    exports dev.gatun.models.task.text;
    exports dev.gatun.models.task.translate;
    exports dev.gatun.models.tokenize;
    exports dev.gatun.models.train;
    exports dev.gatun.models.vision;
}

package dev.gatun.models.tokenize;

import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tokenizer classes of transformers. All but the general one make their definition anew of a vocabulary, wherever that comes from, and
 * take nothing but the vocabulary, added tokens and character map of a {@code tokenizer.json}.
 */
enum TokenizerKind {
    GENERAL(false, "PreTrainedTokenizerFast TokenizersBackend PreTrainedTokenizer PythonBackend",
            "nystromformer umt5 xlm-roberta-xl modernbert modernbert-decoder mistral", ""),
    BERT(true, "BertTokenizer ElectraTokenizer MobileBertTokenizer ConvBertTokenizer SqueezeBertTokenizer LayoutLMTokenizer "
            + "LxmertTokenizer "
            + "DPRContextEncoderTokenizer DPRQuestionEncoderTokenizer",
            "bert distilbert electra convbert mobilebert squeezebert layoutlm nomic_bert ernie megatron-bert nezha visual_bert",
            "unk=[UNK] sep=[SEP] pad=[PAD] cls=[CLS] mask=[MASK]"),
    DISTILBERT(false, "DistilBertTokenizer", "", "unk=[UNK] sep=[SEP] pad=[PAD] cls=[CLS] mask=[MASK]"),
    MPNET(false, "MPNetTokenizer", "mpnet", "bos=<s> eos=</s> unk=[UNK] sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    ROBERTA(false, "RobertaTokenizer BartTokenizer LongformerTokenizer",
            "roberta bart longformer ibert data2vec-text roberta-prelayernorm lilt",
            "bos=<s> eos=</s> unk=<unk> sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    GPT2(false, "GPT2Tokenizer", "gpt2 gpt_neo gptj opt", "bos=<|endoftext|> eos=<|endoftext|> unk=<|endoftext|>"),
    QWEN2(false, "Qwen2Tokenizer", "qwen2 qwen3", "eos=<|endoftext|> unk=<|endoftext|> pad=<|endoftext|>"),
    LLAMA(false, "LlamaTokenizer", "", "bos=<s> eos=</s> unk=<unk>"),
    CLIP(false, "CLIPTokenizer", "clip clipseg owlvit xclip groupvit",
            "bos=<|startoftext|> eos=<|endoftext|> unk=<|endoftext|> pad=<|endoftext|>"),
    ALBERT(false, "AlbertTokenizer", "albert yoso", "bos=[CLS] eos=[SEP] unk=<unk> sep=[SEP] pad=<pad> cls=[CLS] mask=[MASK]"),
    XLM_ROBERTA(false, "XLMRobertaTokenizer", "xlm-roberta xmod gte jina_embeddings_v3",
            "bos=<s> eos=</s> unk=<unk> sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    CAMEMBERT(false, "CamembertTokenizer", "camembert", "bos=<s> eos=</s> unk=<unk> sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    DEBERTA_V2(true, "DebertaV2Tokenizer", "deberta-v2", "bos=[CLS] eos=[SEP] unk=[UNK] sep=[SEP] pad=[PAD] cls=[CLS] mask=[MASK]"),
    T5(false, "T5Tokenizer", "t5 mt5 switch_transformers", "eos=</s> unk=<unk> pad=<pad>"),
    PEGASUS(false, "PegasusTokenizer", "pegasus", "eos=</s> unk=<unk> pad=<pad> mask=<mask_2>"),
    MBART(false, "MBartTokenizer", "mbart", "bos=<s> eos=</s> unk=<unk> sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    MBART50(false, "MBart50Tokenizer", "mbart50", "eos=</s> unk=<unk> sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    NLLB(false, "NllbTokenizer", "nllb nllb-moe", "bos=<s> eos=</s> unk=<unk> sep=</s> pad=<pad> cls=<s> mask=<mask>"),
    MARIAN(false, "MarianTokenizer", "marian", "eos=</s> unk=<unk> pad=<pad>"),
    M2M100(false, "M2M100Tokenizer", "m2m_100", "bos=<s> eos=</s> unk=<unk> sep=</s> pad=<pad>"),
    SIGLIP(false, "SiglipTokenizer", "siglip siglip_text_model", "eos=</s> unk=<unk> pad=</s>");

    /** Classes that transformers has and that are not served here; what it does not know either is taken as the general one. */
    private static final Set<String> OTHERS =
            Set.of("Barthez", "Bartpho", "BertGeneration", "BertJapanese", "Bertweet", "BigBird", "BioGpt", "Blenderbot",
            "BlenderbotSmall", "ByT5", "Canine", "CodeLlama", "Cohere", "Cpm", "CpmAnt", "CTRL", "Deberta", "Esm", "Esmc", "FNet", "FSMT",
                    "Flaubert", "Funnel",
            "GPTNeoX", "GPTNeoXJapanese", "GPTSw3", "Gemma", "Herbert", "LED", "LayoutLMv2", "LayoutLMv3", "LayoutXLM", "Luke",
                    "MLuke", "MarkupLM", "Mgpstr", "Mvp", "MyT5", "Nougat", "OpenAIGPT", "PLBart", "Parakeet",
                    "Perceiver",
            "Phobert", "ProphetNet", "Qwen3_5", "Rag", "Reformer", "RemBert", "RoCBert", "RoFormer", "SeamlessM4T", "Siglip2",
                    "Splinter",
            "Tapas", "Tipsv2", "Udop", "Vits", "Whisper", "XGLM", "XLM", "XLNet");
    /** Where transformers trusts its own table more than the folder. */
    private static final Set<String> OWN_CLASS = Set.of("qwen2");

    /** Whether models of its kind are given token types. */
    final boolean typed;
    /** Whether a sentencepiece model's character map comes after the class's own normalization. */
    final boolean mapped;
    private final Set<String> names;
    private final Set<String> modelTypes;
    private final Map<String, String> tokens = new LinkedHashMap<>();

    TokenizerKind(boolean typed, String names, String modelTypes, String tokens) {
        this.typed = typed;
        this.mapped = !name().matches("DEBERTA_V2|MBART|MBART50|NLLB|PEGASUS");
        this.names = Set.of(names.split(" "));
        this.modelTypes = Set.of(modelTypes.split(" "));
        for (String token : tokens.isEmpty() ? new String[0] : tokens.split(" ")) {
            this.tokens.put(token.substring(0, token.indexOf('=')) + "_token", token.substring(token.indexOf('=') + 1));
        }
    }

    /** Special tokens of the class, by their fields' names, where the folder does not say otherwise. */
    Map<String, String> tokens() {
        return tokens;
    }

    /**
     * The class that transformers takes.
     *
     * @param file      names the class in messages
     * @param said      {@code tokenizer_class}, or empty
     * @param modelType {@code model_type} of config.json, or empty
     * @throws WeightException if it is one that is not served
     */
    static TokenizerKind of(Path file, String said, String modelType) {
        TokenizerKind registered = List.of(values()).stream().filter(kind -> kind.modelTypes.contains(modelType)).findFirst().orElse(null);
        if (said.isEmpty()) {
            return registered == null ? GENERAL : registered;
        }
        String name = said.endsWith("Fast") && !said.equals("PreTrainedTokenizerFast") ? said.substring(0, said.length() - 4) : said;
        if (registered == GENERAL || registered != null && OWN_CLASS.contains(modelType)) {
            return registered;
        }
        if (name.endsWith("Tokenizer") && OTHERS.contains(name.substring(0, name.length() - "Tokenizer".length()))) {
            throw new WeightException(file, "tokenizer_class is " + said
                    + ", which is not served; with a tokenizer.json that is complete in itself, "
                    + "PreTrainedTokenizerFast is");
        }
        return List.of(values()).stream().filter(kind -> kind.names.contains(name)).findFirst().orElse(GENERAL);
    }
}

"""The TensorFlow operations that a model may contain: they access nothing but tensors.

All others are refused: files, printing, other processes, Python, mapped memory, and operations of
later TensorFlow releases. Exports of this toolkit use some of each group; the conformance tests
export every kind of model and check the list.
"""

_CONTROL = """
Assert Case Const EnsureShape Enter Exit GuaranteeConst Identity IdentityN If LoopCond Merge
NextIteration NoOp PartitionedCall Placeholder PlaceholderV2 PlaceholderWithDefault PreventGradient
Snapshot StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StopGradient Switch While
"""
_VARIABLES = """
AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead
IsVariableInitialized ReadVariableOp ResourceGather ResourceGatherNd VarHandleOp
VarIsInitializedOp VariableShape
"""
_LISTS_AND_TABLES = """
EmptyTensorList HashTableV2 LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2
MutableHashTableV2 TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3
TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3
TensorListConcatLists TensorListConcatV2 TensorListElementShape TensorListFromTensor
TensorListGather TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack
TensorListReserve TensorListResize TensorListScatterIntoExistingList TensorListScatterV2
TensorListSetItem TensorListSplit TensorListStack
"""
_ARITHMETIC = """
Abs AccumulateNV2 Acos Acosh Add AddN AddV2 Angle ApproximateEqual Asin Asinh Atan Atan2 Atanh
BitwiseAnd BitwiseOr BitwiseXor Cast Ceil CheckNumerics CheckNumericsV2 ClipByValue Complex
ComplexAbs Conj Cos Cosh Digamma Div DivNoNan Equal Erf Erfc Erfinv Exp Expm1 Floor FloorDiv
FloorMod
Greater GreaterEqual Imag Inv Invert IsFinite IsInf IsNan LeftShift Less LessEqual Lgamma Log Log1p
LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual
PopulationCount Pow Real RealDiv Reciprocal RightShift Rint Round Rsqrt Select SelectV2 Sigmoid Sign
Sin Sinh Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy Xlog1py Xlogy
"""
_REDUCTIONS = """
All Any ArgMax ArgMin Bincount Bucketize Cumprod Cumsum CumulativeLogsumexp DenseBincount
EuclideanNorm HistogramFixedWidth InTopKV2 L2Loss LowerBound Max Mean Min NthElement Prod SegmentMax
SegmentMean SegmentMin SegmentProd SegmentSum Sum TopK TopKV2 Unique UniqueV2 UniqueWithCounts
UniqueWithCountsV2 UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
UpperBound
"""
_SHAPES = """
BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2
DepthToSpace Diag DiagPart DynamicPartition DynamicStitch Empty ExpandDims Fill Gather GatherNd
GatherV2 InvertPermutation LinSpace ListDiff MatrixBandPart MatrixDiag MatrixDiagPart
MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2
MatrixSetDiagV3 MirrorPad OneHot OnesLike Pack Pad PadV2 ParallelConcat ParallelDynamicStitch Range
Rank Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd ScatterNdNonAliasingAdd Shape ShapeN
Size Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice
TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
TensorStridedSliceUpdate Tile Transpose Unpack UnravelIndex Where ZerosLike
"""
_LINEAR_ALGEBRA = """
BatchMatMul BatchMatMulV2 BatchMatMulV3 BandedTriangularSolve Cholesky Cross Einsum FFT FFT2D FFT3D
IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D LogMatrixDeterminant Lu MatMul MatrixDeterminant
MatrixInverse MatrixSolve MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Qr RFFT RFFT2D RFFT3D
SelfAdjointEigV2 Svd
"""
_NETWORKS = """
AvgPool AvgPool3D BiasAdd BiasAddV1 BlockLSTM BlockLSTMV2 CTCBeamSearchDecoder CTCGreedyDecoder Conv
Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInputV2 DataFormatDimMap
DataFormatVecPermute DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput Dilation2D Elu
FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D GRUBlockCell
LRN LSTMBlockCell LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Relu Relu6 Selu
Softmax SoftmaxCrossEntropyWithLogits Softplus Softsign SparseSoftmaxCrossEntropyWithLogits
"""
_QUANTIZED = """
Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2
"""
_RANDOM = """
Multinomial RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt StatelessMultinomial
StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt
StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal
"""
_TEXTS = """
AsString DecodeBase64 EditDistance EncodeBase64 ReduceJoin RegexFullMatch RegexReplace
StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin StringLength StringLower
StringNGrams
StringSplit StringSplitV2 StringStrip StringToHashBucketFast StringToHashBucketStrong StringToNumber
StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript
UnicodeTranscode UnsortedSegmentJoin
"""
_RAGGED_AND_SPARSE = """
RaggedGather RaggedRange RaggedTensorToSparse RaggedTensorToTensor SparseConcat SparseFillEmptyRows
SparseReorder SparseReshape SparseSegmentMean SparseSegmentSum SparseSegmentSumWithNumSegments
SparseSlice SparseTensorDenseMatMul SparseToDense
"""
_IMAGES = """
AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePaddedRaw DecodePng DecodeRaw
DecodeWebP ExtractGlimpseV2 ExtractImagePatches ExtractJpegShape HSVToRGB
ImageProjectiveTransformV2 ImageProjectiveTransformV3 NonMaxSuppressionV3 NonMaxSuppressionV4
NonMaxSuppressionV5 RGBToHSV ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor
ScaleAndTranslate
"""
_EXAMPLES = """
ConcatenateDataset DatasetToSingleElement IgnoreErrorsDataset MapDataset ParseExample ParseExampleV2
ParseSequenceExampleV2 ParseSingleExample ParseTensor SerializeTensor TakeDataset TensorDataset
TensorSliceDataset
"""

ALLOWED_OPS = frozenset(
    " ".join(
        (
            *(_CONTROL, _VARIABLES, _LISTS_AND_TABLES, _ARITHMETIC, _REDUCTIONS, _SHAPES),
            *(_LINEAR_ALGEBRA, _NETWORKS, _QUANTIZED, _RANDOM, _TEXTS, _RAGGED_AND_SPARSE),
            *(_IMAGES, _EXAMPLES),
        )
    ).split()
)
"""Operations that a model may contain."""

SAVER_OPS = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""Operations of the two functions with which every SavedModel saves and restores its variables.

TensorFlow restores the variables of a SavedModel without them; nothing else may call them.
"""

# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Names of nixpkgs' `lib` that the stand-in has not, so that using one says what to do. A test compares.
let
  inherit (builtins) filter isString listToAttrs map split;
  words = text: listToAttrs (map (name: { inherit name; value = null; }) (filter (word: isString word && word != "") (split "[ \n]+" text)));
in
{
  top = words ''
    addContextFrom addDrvOutputDependencies addMetaAttrs appendToName applyModuleArgsIfFunction callPackageWith
    callPackagesWith canCleanSource checkFlag checkReqs chooseDevOutputs cleanSource cleanSourceFilter
    cleanSourceWith cli closePropagation cmakeBool cmakeFeature cmakeOptionType commitIdFromGitRepo condConcat
    convertHash customisation defaultFunctor defaultMerge defaultMergeArg defaultTypeMerge derivations
    dischargeProperties doRename dontDistribute enableFeature enableFeatureAs escapeURL evalOptionValue extend
    extendDerivation extendMkDerivation fakeHash fakeSha256 fakeSha512 fetchers fileset filterOverrides
    fixMergeModules fixupOptionType flakeRefToString flakes foldArgs fullDepEntry getBin getDev getExe getExe'
    getFirstOutput getInclude getLib getLicenseFromSpdxId getLicenseFromSpdxIdOr getMan getOutput getStatic
    getValue gvariant hiPrio hiPrioSet hydraJob ifEnable imap info innerClosePropagation innerModifySumArgs
    isInOldestRelease isStorePath isType kernel lazyDerivation lazyGenericClosure licenses licensesSpdx listDfs
    lowPrio lowPrioSet maintainers makeIncludePath makeOverridable makeScope makeScopeWithSplicing
    makeScopeWithSplicing' makeSearchPathOutput mapCrossIndex mapDerivationAttrset maybeAttr maybeAttrNullable
    maybeEnv mergeAttrBy mergeAttrByFunc mergeAttrsByFuncDefaults mergeAttrsByFuncDefaultsClean
    mergeAttrsConcatenateValues mergeAttrsNoOverride mergeAttrsWithFunc mergeModules mergeModules'
    mergeOptionDecls mesonBool mesonEnable mesonOption meta mirrorFunctionArgs misc mkAliasAndWrapDefinitions
    mkAliasDefinitions mkAliasOptionModule mkAliasOptionModuleMD mkChangedOptionModule mkDefinition
    mkDerivedConfig mkEUI64Suffix mkFixStrictness mkLuaInline mkMergedOptionModule mkPackageOption
    mkRemovedOptionModule mkRenamedOptionModule mkRenamedOptionModuleWith modifySumArgs nameFromURL network
    nixType nixpkgsVersion noDepEntry nvs oldestSupportedReleaseIsAtLeast optionAttrSetToDocList
    optionAttrSetToDocList' optionalDrvAttr overrideDerivation packEntry packagesFromDirectoryRecursive
    parseFlakeRef pathHasContext pathIsGitRepo platforms pushDownProperties renameCrossIndexFrom
    renameCrossIndexTo repoRevToName revOrTag runTests scrubOptionValue setAttr setAttrMerge setName setPrio
    setType showOptionWithDefLocs showWarnings sortProperties sourceByRegex sourceFilesBySuffices sourceTypes
    sources splitByAndCompare splitStringBy stringAfter stringsWithDeps systems teams testAllTrue textClosureList
    textClosureMap toCamelCase toDerivation toExtension toposort traceFnSeqN traceSeqN traceValSeqN traceValSeqNFn
    unifyModuleSyntax uniqList uniqListExt updateName version warnOnInstantiate withFeature withFeatureAs
  '';
  asserts = words "checkAssertWarn";
  attrsets = words ''
    chooseDevOutputs getBin getDev getFirstOutput getInclude getLib getMan getOutput getStatic
    longestValidPathPrefix toDerivation
  '';
  debug = words "runTests testAllTrue throwTestFailures traceFnSeqN traceSeqN traceValSeqN traceValSeqNFn";
  filesystem = words "haskellPathsInDir locateDominatingFile packagesFromDirectoryRecursive resolveDefaultNix";
  fixedPoints = words "toExtension";
  generators = words "mkDconfKeyValue mkLuaInline toDconfINI toDhall toGitINI toLua toPlist withRecursion";
  lists = words "listDfs toposort";
  modules = words ''
    applyModuleArgsIfFunction collectModules dischargeProperties doRename evalOptionValue filterOverrides
    filterOverrides' fixMergeModules fixupOptionType mapDefinitionValue mergeAttrDefinitionsWithPrio mergeModules
    mergeModules' mergeOptionDecls mkAliasAndWrapDefinitions mkAliasAndWrapDefsWithPriority mkAliasDefinitions
    mkAliasIfDef mkAliasOptionModule mkAliasOptionModuleMD mkChangedOptionModule mkDefinition mkDerivedConfig
    mkFixStrictness mkMergedOptionModule mkRemovedOptionModule mkRenamedOptionModule mkRenamedOptionModuleWith
    pushDownProperties sortProperties unifyModuleSyntax
  '';
  options = words ''
    literalCode mkPackageOption optionAttrSetToDocList optionAttrSetToDocList' renderOptionValue scrubOptionValue
    showDefs showOptionWithDefLocs
  '';
  strings = words ''
    addContextFrom appendContext charToInt cmakeBool cmakeFeature cmakeOptionType commonSuffixLength enableFeature
    enableFeatureAs escapeC escapeURL isStorePath levenshtein levenshteinAtMost makeIncludePath
    makeSearchPathOutput mesonBool mesonEnable mesonOption nameFromURL normalizePath splitStringBy toCamelCase
    withFeature withFeatureAs
  '';
  trivial = words ''
    codeName info isInOldestRelease mirrorFunctionArgs nixpkgsVersion oldestSupportedRelease
    oldestSupportedReleaseIsAtLeast release revisionWithDefault showWarnings splitByAndCompare version
    versionSuffix
  '';
  types = words ''
    attrListOf attrListWith attrTag defaultFunctor defaultTypeMerge externalPath fileset isType json loaOf
    luaInline mergeTypes noCheckForDocsModule optionDeclaration optionDescriptionPhrase pathWith pkgs
    serializableValueWith setType toml types
  '';
}

# --8<-- [start:nan-hooks]
def stack(function):
    """嫌疑函数夹在两个线性层之间；模块名依次是 0、1、2。"""
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Linear(8, 8), Apply(function), nn.Linear(8, 1)).to(device)

def hunt(model, x):
    """返回 (前向里第一个输出 NaN 或 inf 的模块名, 梯度是否全都有限)。"""
    bad = []
    for name, module in model.named_children():
        module.register_forward_hook(lambda module, args, out, name=name:
                                     None if out.isfinite().all() else bad.append(name))
    model(x).sum().backward()
    return (bad or ["无"])[0], all(p.grad.isfinite().all() for p in model.parameters())

x = torch.randn(4, 8, generator=torch.Generator().manual_seed(SEED)).to(device)
hidden = torch.arange(4, device=device)[:, None] == 0  # 第 0 句是空的，位置全被遮住
lowest, far = torch.finfo(x.dtype).min, dict(dim=-1, keepdim=True)
cases = {  # 名字: (出错的写法, 改好的写法)
    "log(0)": (lambda h: (200 * h).softmax(-1).log(), lambda h: (200 * h).log_softmax(-1)),
    "整行遮住": (lambda h: h.masked_fill(hidden, -math.inf).softmax(-1),
                 lambda h: h.masked_fill(hidden, lowest).softmax(-1) * ~hidden),
    "sqrt(0)": (lambda h: (h - h[:1]).square().sum(**far).sqrt().expand(4, 8),  # 到 h[0] 的距离
                lambda h: torch.linalg.vector_norm(h - h[:1], **far).expand(4, 8)),
}
for name, (fault, cure) in cases.items():
    place, finite = hunt(stack(fault), x)
    print(f"{name}：前向第一个坏模块 {place}，梯度{'全部有限' if finite else '含 NaN'}")
    assert not finite and hunt(stack(cure), x) == ("无", True)
# --8<-- [end:nan-hooks]
# --8<-- [start:anomaly-mode]
x = torch.ones(2, 8, device=device, requires_grad=True)
with torch.autograd.set_detect_anomaly(True):
    (x - x[:1]).square().sum(-1).sqrt().sum().backward()
# --8<-- [end:anomaly-mode]
# --8<-- [start:lr-finder]
def network(seed):
    """64 → 128 → 128 → 10 的网络，按 seed 初始化。"""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128),
                         nn.ReLU(), nn.Linear(128, NUM_CLASSES)).to(device)
def momentum_sgd(parameters, lr):
    """动量 0.9 的 SGD，签名与 Adam 相同。"""
    return torch.optim.SGD(parameters, lr, momentum=0.9)
def final_loss(method, seed, rate, steps):
    """用固定的学习率训练 steps 步，返回留出集损失。"""
    return fit(network(seed), method, [rate] * steps)[1]

sweep, score = np.geomspace(1e-5, 10, STEPS), {}  # 每步乘一个常数，走六个数量级
for method, name in ((torch.optim.Adam, "Adam"), (momentum_sgd, "SGD ")):
    for seed in range(SEED, SEED + 3):
        losses = np.nan_to_num(fit(network(seed), method, sweep)[0], nan=100).clip(max=100)
        smooth, rates = np.convolve(losses, np.ones(9) / 9, "valid"), sweep[4:-4]
        found = rates[smooth.argmin()] / 10  # 规则：最低点的十分之一；花了 100 步
        pilots = {rate: final_loss(method, seed, rate, 33) for rate in (1e-3, 1e-2, 1e-1)}
        chosen = min(pilots, key=pilots.get)  # 花了 99 步
        for way, rate, left in (("扫描", found, 200), ("三点网格", chosen, 200), ("默认", 1e-3, 300)):
            score.setdefault((name, way), []).append((rate, final_loss(method, seed, rate, left)))
score = {key: np.mean(runs, axis=0) for key, runs in score.items()}
for (name, way), (rate, loss) in score.items():
    print(f"{name} 学习率 {rate:.3f}，留出集损失 {loss:.2f}，{way}")
assert score["SGD ", "扫描"][1] < score["SGD ", "默认"][1] - 1  # 默认值不合适，扫描救得回来
for name, way in (("Adam", "默认"), ("Adam", "三点网格"), ("SGD ", "三点网格")):
    assert abs(score[name, "扫描"][1] - score[name, way][1]) < 0.1  # 其余各项，谁也不比谁强多少
trials = np.array([1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1])  # 0.3 处不稳，结果随舍入误差而变，不画
finals = np.nan_to_num([final_loss(momentum_sgd, SEED + 2, rate, 200) for rate in trials], nan=3)
with rc_context({"svg.fonttype": "none", "svg.hashsalt": "42", "path.simplify": False}):
    fig = Figure(figsize=(6.4, 3.4), layout="constrained")
    ax = fig.subplots()
    ax.semilogx(rates, smooth.clip(max=3), label="during the sweep")
    ax.semilogx(trials, finals.clip(max=3), "o--", label="held out, after 200 steps at one rate")
    ax.axvline(found, color="tab:red", linestyle=":", label="chosen")
    ax.set(xlim=(1e-5, 10), ylim=(0, 3.6), xlabel="learning rate", ylabel="cross-entropy")
    ax.legend()
    fig.savefig("debugging-lr-finder.svg", metadata={"Date": None})
# --8<-- [end:lr-finder]
# --8<-- [start:seeding]
import random
from torch.utils.data import DataLoader, Dataset

class Noisy(Dataset):
    """取图时加一点噪声，噪声来自 numpy 的全局随机数。"""
    images, labels = x_train.cpu(), y_train.cpu()
    def __len__(self):
        return 640
    def __getitem__(self, i):
        noise = torch.from_numpy(np.random.randn(8, 8)).float()
        return self.images[i] / 16 + 0.1 * noise, self.labels[i]

def train_once(forgotten, workers):
    """四个种子里少设一个；返回训练 10 步之后的权重。"""
    order = torch.Generator()
    for name, seeder in (("random", random.seed), ("numpy", np.random.seed),
                         ("torch", torch.manual_seed), ("generator", order.manual_seed)):
        seeder(random.SystemRandom().randrange(2**32) if name == forgotten else SEED)
    layer = nn.Linear(64, NUM_CLASSES).to(device)
    for x, y in DataLoader(Noisy(), 64, shuffle=True, generator=order, num_workers=workers):
        x = x.flip(-1) if random.random() < 0.5 else x
        loss = F.cross_entropy(layer(x.flatten(1).to(device)), y.to(device))
        with torch.no_grad():
            layer.weight -= torch.autograd.grad(loss, layer.weight)[0]
    return layer.weight.detach()

for forgotten, first, second in ((None, 0, 0), ("random", 0, 0), ("numpy", 0, 0), ("torch", 0, 0),
                                 ("generator", 0, 0), (None, 2, 2), ("numpy", 2, 2), (None, 0, 2)):
    same = torch.equal(train_once(forgotten, first), train_once(forgotten, second))
    print(f"工作进程 {first} 与 {second}，没有设的种子：{forgotten or '无'} → {'逐位相等' if same else '不相等'}")
    assert same == (first == second and forgotten in (None, "numpy" if first else None))
# --8<-- [end:seeding]
# --8<-- [start:resume]
import io

class Run:
    """一次训练的全部状态；一遍 20 批，dropout 用全局的随机数。"""
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2),
                                   nn.Linear(64, NUM_CLASSES)).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-2)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 60)
        self.shuffler, self.queue = torch.Generator().manual_seed(seed), []
        rng = torch.cuda if device == "cuda" else torch
        self.parts = {  # 名字: (取, 装)
            "模型": (self.model.state_dict, self.model.load_state_dict),
            "优化器": (self.optimizer.state_dict, self.optimizer.load_state_dict),
            "调度器": (self.scheduler.state_dict, self.scheduler.load_state_dict),
            "dropout 的随机数": (rng.get_rng_state, rng.set_rng_state),
            "洗牌的随机数": (self.shuffler.get_state, self.shuffler.set_state),
            "这一遍还没用的批": (lambda: self.queue, lambda queue: setattr(self, "queue", queue))}
    def walk(self, steps):
        """训练 steps 步，返回所有参数接成的向量。"""
        for _ in range(steps):
            self.queue = self.queue or list(torch.randperm(1257, generator=self.shuffler).split(64))
            batch = self.queue.pop(0)
            self.optimizer.zero_grad()
            F.cross_entropy(self.model(x_train[batch] / 16), y_train[batch]).backward()
            self.optimizer.step()
            self.scheduler.step()
        return nn.utils.parameters_to_vector(self.model.parameters()).detach().clone()

middle = (run := Run(SEED)).walk(30)  # 停在第二遍的中间
torch.save({name: take() for name, (take, _) in run.parts.items()}, file := io.BytesIO())
finish = run.walk(30)
for missing in (None, *run.parts):
    resumed = Run(SEED + 1)  # 新的进程：初始值不同，随机数不同
    saved = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    for name in saved.keys() - {missing}:
        resumed.parts[name][1](saved[name])
    weights = resumed.walk(30)
    gap, same = (weights - finish).norm() / (finish - middle).norm(), torch.equal(weights, finish)
    print(f"{gap.item():.2f} {'逐位相等' if same else '不相等'}，缺：{missing or '无'}")
    assert same == (missing is None)
# --8<-- [end:resume]
# --8<-- [start:trainer-resume]
import transformers as hf

tokenizer = hf.AutoTokenizer.from_pretrained("google-bert/bert-base-chinese")
rows = [dict(tokenizer(text, padding="max_length", max_length=8, truncation=True), labels=i % 2)
        for i, text in enumerate(("很好", "不好", "还行", "太差", "喜欢", "讨厌", "满意", "失望"))]

def trainer(**options):
    """真实的 Trainer：6 步，每 3 步存一次；full_determinism 同时打开确定性算法。"""
    args = hf.TrainingArguments("checkpoints", max_steps=6, save_steps=3, logging_steps=1,
                                per_device_train_batch_size=4, seed=SEED, report_to="none",
                                disable_tqdm=True, full_determinism=True,
                                dataloader_pin_memory=False, **options)
    hf.set_seed(SEED)
    model = hf.AutoModelForSequenceClassification.from_pretrained("google-bert/bert-base-chinese")
    made = hf.Trainer(model, args, train_dataset=rows)
    made.remove_callback(hf.PrinterCallback)
    return made

whole, resumed, broken = trainer(), trainer(), trainer(save_strategy="no")
whole.train()
resumed.train(resume_from_checkpoint="checkpoints/checkpoint-3")
same = all(map(torch.equal, whole.model.parameters(), resumed.model.parameters()))
print(f"从第 3 步恢复，第 6 步的权重{'逐位相等' if same else '不相等'}")
nn.init.constant_(broken.model.classifier.bias, math.nan)
broken.train()
losses, norms = ([log[key] for log in broken.state.log_history if key in log]
                 for key in ("loss", "grad_norm"))
print(f"权重里有 NaN：日志里的损失 {losses[-1]:.1f}，梯度范数 {norms[-1]}")
torch.use_deterministic_algorithms(False)
assert same and all(map(math.isfinite, losses)) and not any(map(math.isfinite, norms))
# --8<-- [end:trainer-resume]
# --8<-- [start:vital-signs]
def dead_share(model):
    """隐藏层里，对每张训练图都输出 0 的单元占几成。"""
    outputs = [model[: i + 1](x_train / 16) for i in range(2, len(model), 2)]
    return (torch.cat(outputs, dim=1) <= 0).all(0).float().mean().item()

def vital_signs(activation, rate):
    """训练 30 步，再走一步；返回 (更新与权重之比, 首末层梯度之比, 起初和现在的死单元占比)。"""
    torch.manual_seed(SEED)
    layers = [nn.Flatten()]
    for _ in range(5):
        layers += [nn.Linear(64, 64), activation()]
    model = nn.Sequential(*layers, nn.Linear(64, NUM_CLASSES)).to(device)
    dead_at_first = dead_share(model)
    fit(model, torch.optim.Adam, [rate] * 30)
    before = model[3].weight.detach().clone()
    fit(model, torch.optim.Adam, [rate])
    update = (model[3].weight - before).norm() / before.norm()
    gradient = model[1].weight.grad.norm() / (model[-1].weight.grad.norm() + 1e-12)
    return update.item(), gradient.item(), dead_at_first, dead_share(model)

def verdict(update, gradient, dead_at_first, dead):
    """界线先定下，按先后判；都是经验值，换了网络要重定。"""
    return ("ReLU 死了" if dead - dead_at_first > 0.3 else "梯度消失" if gradient < 1e-2
            else "几乎不动" if update < 1e-5 else "正常")

for name, activation, rate in (("正常", nn.ReLU, 1e-3), ("几乎不动", nn.ReLU, 1e-7),
                               ("ReLU 死了", nn.ReLU, 0.3), ("梯度消失", nn.Sigmoid, 1e-3)):
    signs = vital_signs(activation, rate)
    print("更新 {:.7f}，梯度 {:.4f}，死 {:.2f} → {:.2f}：".format(*signs) + verdict(*signs))
    assert verdict(*signs) == name
# --8<-- [end:vital-signs]
# --8<-- [start:where-trap]
x = torch.tensor([0.0, 1.0, 4.0], requires_grad=True)
trap = torch.where(x > 0, x.sqrt(), 0.0)  # 前向没有 NaN
safe = torch.where(x > 0, torch.where(x > 0, x, 1.0).sqrt(), 0.0)  # 先把输入换成安全的
for name, y in (("只在外面", trap), ("里外各一次", safe)):
    print(name, [f"{slope:.2f}" for slope in torch.autograd.grad(y.sum(), x)[0].tolist()])
# --8<-- [end:where-trap]
# --8<-- [start:clip-nonfinite]
layer = nn.Linear(4, 1)
(layer(torch.ones(1, 4)) * math.inf).sum().backward()
nn.utils.clip_grad_norm_(layer.parameters(), 1.0, error_if_nonfinite=True)
# --8<-- [end:clip-nonfinite]
# --8<-- [start:numpy-state]
import io
import pickle

for name, state in (("Generator", np.random.default_rng(SEED).bit_generator.state),
                    ("全局的 RandomState", np.random.get_state())):
    torch.save({"numpy": state}, file := io.BytesIO())
    try:
        print(f"{name}：存得下，读得回来 {torch.load(io.BytesIO(file.getvalue()))['numpy'] == state}")
    except pickle.UnpicklingError:
        print(f"{name}：存得下，读不回来")
# --8<-- [end:numpy-state]

# --8<-- [start:setup]
"""生成对抗网络：每处缺陷的修正各成一段，缺陷本身在 errata_gan_pitfalls.py。"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 42
device = "cuda" if torch.cuda.is_available() else "cpu"

batch_size = 64  # 一批的图像数
learning_rate = 1e-3

torch.manual_seed(SEED)
# --8<-- [end:setup]

# --8<-- [start:define-names]
z_dim = 16  # 噪声向量的长度
num_epochs = 4

pixels = torch.tensor(load_digits().images, dtype=torch.float32)  # (1797, 8, 8)，0 … 16
real_images = pixels.unsqueeze(1) / 8.0 - 1.0  # (1797, 1, 8, 8)，与 Tanh 同在 [−1, 1]
img_shape = real_images[0].numel()  # 64：线性层要的是一个整数，不是 (1, 8, 8)
train_loader = DataLoader(
    TensorDataset(real_images),
    batch_size=batch_size,
    shuffle=True,
    generator=torch.Generator().manual_seed(SEED),
)

z = torch.randn(batch_size, z_dim, device=device)  # 每一步都要重新取
assert real_images.min() == -1 and real_images.max() == 1
print("噪声", tuple(z.shape), "图像展平后的长度", img_shape, "一遍的步数", len(train_loader))
# --8<-- [end:define-names]

# --8<-- [start:build-networks]
def build_networks():
    """返回由 SEED 定的一对网络 (generator, discriminator)，已在 device 上。

    generator: (B, z_dim) float32 -> (B, img_shape)，值在 (−1, 1)。
    discriminator: (B, img_shape) float32 -> (B, 1)，未经 sigmoid 的 logits。
    异常：输入的最后一维不合时，forward 抛出 RuntimeError。
    """
    torch.manual_seed(SEED)
    generator = nn.Sequential(
        nn.Linear(z_dim, 64), nn.LeakyReLU(0.2), nn.Linear(64, img_shape), nn.Tanh()
    )
    discriminator = nn.Sequential(nn.Linear(img_shape, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    return generator.to(device), discriminator.to(device)


adversarial_loss = nn.BCEWithLogitsLoss()
# --8<-- [end:build-networks]

# --8<-- [start:flatten-images]
generator, discriminator = build_networks()
(images,) = next(iter(train_loader))
logits = discriminator(images.flatten(start_dim=1).to(device))  # (64, 1, 8, 8) -> (64, 64)
assert logits.shape == (batch_size, 1)
print("判别器的输出", tuple(logits.shape))
# --8<-- [end:flatten-images]

# --8<-- [start:move-all]
inputs = images.flatten(start_dim=1).to(device)  # 数据
targets = torch.ones(len(inputs), 1, device=device)  # 标签
loss = adversarial_loss(discriminator(inputs), targets)  # 网络已在 build_networks 里搬好

parameters = [*generator.parameters(), *discriminator.parameters()]
assert {t.device.type for t in (inputs, targets, loss, z, *parameters)} == {device}
print("网络、数据、噪声、标签、损失同在一个设备上")
# --8<-- [end:move-all]

# --8<-- [start:generator-step]
def generator_step(generator, discriminator, g_optimizer, size):
    """更新生成器一次，返回损失 (float)；size 是现取的噪声行数 (int)。

    判别器只传梯度，自己不更新；它在这里积下的梯度由下一次 zero_grad 清掉。
    来源：Goodfellow 等，2014，arXiv:1406.2661 的非饱和损失。
    """
    g_optimizer.zero_grad()
    fake_images = generator(torch.randn(size, z_dim, device=device))  # 不 detach
    g_loss = adversarial_loss(discriminator(fake_images), torch.ones(size, 1, device=device))
    g_loss.backward()
    g_optimizer.step()
    return g_loss.item()


generator, discriminator = build_networks()
g_optimizer = torch.optim.Adam(generator.parameters(), lr=learning_rate, betas=(0.5, 0.999))
before = [parameter.detach().clone() for parameter in generator.parameters()]
generator_step(generator, discriminator, g_optimizer, batch_size)

for (name, parameter), old in zip(generator.named_parameters(), before, strict=True):
    assert parameter.grad is not None and parameter.grad.norm() > 0
    assert not torch.equal(parameter, old)
    print(name, "有梯度，权重变了")
# --8<-- [end:generator-step]

# --8<-- [start:train-loop]
def discriminator_step(generator, discriminator, d_optimizer, images):
    """更新判别器一次，返回损失 (float)；images 是 (B, img_shape) float32，在 device 上。"""
    d_optimizer.zero_grad()
    fake_images = generator(torch.randn(len(images), z_dim, device=device)).detach()  # 这里该断
    ones = torch.ones(len(images), 1, device=device)
    d_loss = 0.5 * adversarial_loss(discriminator(images), ones)
    d_loss = d_loss + 0.5 * adversarial_loss(discriminator(fake_images), torch.zeros_like(ones))
    d_loss.backward()
    d_optimizer.step()
    return d_loss.item()


@torch.no_grad()
def distance_to_real(generator):
    """返回 512 张假图的均值图与真图均值图的均方根差 (float)；仅作粗看，不是质量。"""
    noise = torch.randn(512, z_dim, generator=torch.Generator().manual_seed(SEED)).to(device)
    real_mean = real_images.flatten(start_dim=1).mean(dim=0).to(device)
    return (generator(noise).mean(dim=0) - real_mean).square().mean().sqrt().item()


generator, discriminator = build_networks()
g_optimizer = torch.optim.Adam(generator.parameters(), lr=learning_rate, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=learning_rate, betas=(0.5, 0.999))
start = distance_to_real(generator)
for _ in range(num_epochs):
    for (images,) in train_loader:
        images = images.flatten(start_dim=1).to(device)  # (B, 64)
        discriminator_step(generator, discriminator, d_optimizer, images)
        generator_step(generator, discriminator, g_optimizer, len(images))
end = distance_to_real(generator)

assert end < 0.5 * start
print(f"与真图均值的差：训练前 {start:.2f}，训练后 {end:.2f}")
# --8<-- [end:train-loop]

# --8<-- [start:fresh-noise]
drawn = torch.cat([torch.randn(batch_size, z_dim) for _ in range(num_epochs * len(train_loader))])
assert len(drawn.unique(dim=0)) == len(drawn)
print("每步重取，不同的噪声行数", len(drawn.unique(dim=0)))
# --8<-- [end:fresh-noise]
